r"""What stands between delimiters: groups, tuples, intervals, sets, absolute values."""

from reward.parser.cursor import Cursor
from reward.parser.nodes import Node, NotUnderstood
from reward.parser.vocabulary import CURRENCIES, GREEK


class Brackets(Cursor):
    """Reads what begins with a delimiter."""

    def answer(self, *closers: str) -> Node:
        """Everything up to one of `closers`; `Grammar` reads it."""
        raise NotImplementedError

    def factor(self) -> Node:
        """An atom with its exponents; `Grammar` reads it."""
        raise NotImplementedError

    def bracketed(self, opener: str) -> Node:
        if opener in ("(", "["):
            self.take()
            inner, closer = self._inside(")", "]")
            if inner.kind == "list" and not inner.name:
                return Node("bracket", inner.args, opener + closer)
            if opener + closer not in ("()", "[]"):
                raise NotUnderstood(f"{opener}...{closer} around one value")
            return inner
        if opener == "{":
            self.take()
            return self._braced()
        if opener == r"\{":
            return self._set()
        if opener in ("|", "Vert"):
            return self.absolute(opener)
        if opener in CURRENCIES:
            self.take()
            return Node("quantity", (self.factor(),), opener)
        raise NotUnderstood(f"{opener!r} cannot begin a value")

    def _inside(self, *closers: str) -> tuple[Node, str]:
        self.enter()
        bars, self.bars = self.bars, 0
        inner = self.answer(*closers, "over", "choose")
        if self.at("over", "choose"):
            kind = "div" if self.take().text == "over" else "call"
            inner = Node(kind, (inner, self.answer(*closers)), "binom" if kind == "call" else "")
        self.bars = bars
        self.leave()
        return inner, self.expect(*closers)

    def absolute(self, bar: str) -> Node:
        self.take()
        self.enter()
        self.bars += 1
        inner = self.answer(bar)
        self.bars -= 1
        self.leave()
        self.expect(bar)
        return Node("abs", (inner,))

    def _set(self) -> Node:
        r"""`\{1, 2\}` or `\{x | x < 3\}`."""
        self.take()
        self.enter()
        if self.accept(r"\}"):
            self.leave()
            return Node("set")
        variable = self._builder_variable()
        inner = self.answer(r"\}")
        self.expect(r"\}")
        self.leave()
        if variable is not None:
            return Node("builder", (variable, inner))
        return Node("set", inner.args if inner.kind == "list" else (inner,))

    def _braced(self) -> Node:
        """A group; a set whose braces lost their backslashes if a condition stands in it: {x | x < 3}."""
        variable = self._builder_variable()
        inner = self._inside("}")[0]
        return inner if variable is None else Node("builder", (variable, inner))

    def _builder_variable(self) -> Node | None:
        r"""The x of `\{x | ...\}` and `\{x \in \mathbb{R} : ...\}`; reading goes on after the bar."""
        place = self.position
        if self.peek().kind == "name" or self.peek().text in GREEK:
            name = self.suffixes(self.take().text)
            if self.accept("in"):
                self.raw_argument() if not self.at("mathbb", "mathbf") else (self.take(), self.raw_argument())
            if self.accept("|", "vert", ":"):
                return Node("symbol", name=name)
        self.position = place
        return None

    def delimited(self, closer: str) -> Node:
        self.enter()
        inner = self.answer(closer)
        self.expect(closer)
        self.leave()
        return inner
