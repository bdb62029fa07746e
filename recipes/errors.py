"""The one kind of error that is the user's to cure."""


class UserError(Exception):
    """Bad input, found before Ray starts. The message names the key and says what to write."""
