"""A place in a list of tokens: what comes next, taking it, skipping it, and how deep in groups it is."""

from collections.abc import Callable

from reward.parser.nodes import NotUnderstood, TooLarge
from reward.parser.tokens import Token

DEEPEST = 40  # nested groups; no real answer has more than a dozen
END = Token("end of text", "")
# What begins one more of its kind, and what ends one.
GROUP, PARENTHESIS, ENVIRONMENT = {"{": 1, "}": -1}, {"(": 1, ")": -1}, {"begin": 1, "end": -1}


class Cursor:
    """Reads tokens from left to right. `depth` counts the groups that are open."""

    def __init__(self, tokens: list[Token]) -> None:
        # A point that belongs to no number is punctuation: `\\sqrt {2}.]`.
        self.tokens = [token for token in tokens if token.text != "."]
        self.position = 0
        self.depth = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token that comes next, or `ahead` later; never raises."""
        place = self.position + ahead
        return self.tokens[place] if 0 <= place < len(self.tokens) else END

    def take(self) -> Token:
        """The next token; reading goes on after it."""
        token = self.peek()
        self.position += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the next token is an operator or a command with one of these texts."""
        token = self.peek()
        return token.text in texts and token.kind in ("op", "command")

    def at_word(self, *words: str) -> bool:
        """Whether the next token is one of these words, in any case."""
        token = self.peek()
        return token.kind == "word" and token.text.lower() in words

    def accept(self, *texts: str) -> bool:
        """Skip the next token if it is one of these."""
        if self.at(*texts):
            self.position += 1
            return True
        return False

    def expect(self, *texts: str) -> str:
        """Skip the next token, which has to be one of these. Raises NotUnderstood otherwise."""
        if not self.at(*texts):
            raise NotUnderstood(f"expected {' or '.join(texts)} before {self.peek().text!r}")
        return self.take().text

    def enter(self) -> None:
        """One group deeper. Raises TooLarge beyond the bound; recursion would end in an error."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooLarge(f"more than {DEEPEST} nested groups")

    def leave(self) -> None:
        """Out of a group."""
        self.depth -= 1

    def raw_argument(self) -> str:
        """The text of the next token or group, as part of a name: `{max }` and `max` are the same."""
        if not self.accept("{"):
            return self.take().text
        inside = self._until_it_ends(
            "a group in a name", lambda token: GROUP.get(token.text, 0) if token.kind == "op" else 0
        )
        return "".join(token.text for token in inside)

    def skip_bracket(self) -> list[Token]:
        """Skip a parenthesis with all it holds, and return that."""
        self.take()
        return self._until_it_ends("a parenthesis", lambda token: PARENTHESIS.get(token.text, 0))

    def environment(self) -> list[Token]:
        r"""The tokens between the `\begin` that comes next and its `\end`; reading goes on after it."""
        self.take()
        return self._until_it_ends("an environment", lambda token: ENVIRONMENT.get(token.kind, 0))

    def _until_it_ends(self, what: str, step: Callable[[Token], int]) -> list[Token]:
        """The tokens up to the one that ends what has just begun, which is taken too.

        Args:
            what: has begun, for the message.
            step: 1 where the like of it begins, -1 where one ends, else 0.
        """
        depth, inside = 1, []
        while depth:
            token = self.take()
            if token is END:
                raise NotUnderstood(f"{what} does not end")
            depth += step(token)
            inside.append(token)
        return inside[:-1]

    def suffixes(self, name: str) -> str:
        """`name` with the subscripts and primes that follow it; x1 is x_1."""
        if self.peek().kind == "number" and self.peek().tight and self.peek().text.isdecimal() and len(name) == 1:
            name += "_" + self.take().text
        while True:
            if self.at("_"):
                self.take()
                name += "_" + self.raw_argument()
            elif self.at("'"):
                self.take()
                name += "'"
            elif self.at("^") and (self.peek(1).text in ("prime", "'") or self._primes_in_group()):
                self.take()
                name += self.raw_argument().replace("prime", "'")
            else:
                return name

    def _primes_in_group(self) -> bool:
        return self.peek(1).text == "{" and self.peek(2).text in ("prime", "'")


def split(tokens: list[Token], separator: str) -> list[list[Token]]:
    """The runs of tokens between the separators that stand in no group."""
    runs: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        is_group = token.kind in ("op", "begin", "end")
        depth += {"{": 1, "(": 1, "begin": 1, "}": -1, ")": -1, "end": -1}.get(
            token.text if token.kind == "op" else token.kind, 0
        ) * is_group
        if depth == 0 and token.text == separator and token.kind == "op":
            runs.append([])
        else:
            runs[-1].append(token)
    return runs
