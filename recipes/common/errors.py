"""Errors that a command says in a sentence: what is the user's to cure, and what has failed since."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Bad input, found before Ray starts. The message names the key and says what to write.

    Attributes:
        code: with which the command ends.
    """

    code = 2


class Failure(UserError):
    """The input was right, and what was started has failed: an engine died, a disk is full."""

    code = 1


@contextmanager
def as_user_error(*kinds: type[Exception]) -> Iterator[None]:
    """Errors of these kinds, raised in the block, become the user's, with the message of the first cause."""
    try:
        yield
    except kinds as error:
        raise UserError(_innermost(error)) from error


def _innermost(error: BaseException) -> str:
    """Hydra wraps a dataclass's error in "Error in call to target"; the original says more."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
