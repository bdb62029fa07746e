r"""The smallest parts of a formula: numbers, symbols, brackets, fractions, roots, functions, matrices."""

import re
from fractions import Fraction

from reward.parser.brackets import Brackets
from reward.parser.nodes import Node, NotUnderstood, number
from reward.parser.numbers import value_of
from reward.parser.tokens import Token
from reward.parser.vocabulary import (
    ACCENTS,
    FIGURES,
    FONTS,
    FUNCTION_LETTERS,
    FUNCTIONS,
    GREEK,
    MATRICES,
    NUMBER_SETS,
    NUMBER_WORDS,
    SEVERAL_ARGUMENTS,
)

REPEATING = re.compile(r"(\d*)\.(\d*)\\overline\{(\d+)\}")


class Atoms(Brackets):
    """Reads one atom; the grammar on top of it reads sums, relations and lists."""

    def starts_factor(self) -> bool:
        """Whether a factor may begin here; `Grammar` decides."""
        raise NotImplementedError

    def atom(self) -> Node:
        """One atom, without exponents."""
        token = self.peek()
        if token.kind == "number":
            self.take()
            return _number(token)
        if token.kind == "name":
            self.take()
            return self._symbol(token.text)
        if token.kind == "word" and token.text.lower() in NUMBER_WORDS:
            self.take()
            return number(NUMBER_WORDS[token.text.lower()])
        if token.kind == "begin":
            return self._matrix()
        if token.kind == "op":
            return self.bracketed(token.text)
        if token.kind == "command":
            self.take()
            return self._command(token.text)
        raise NotUnderstood(f"{token.text!r} is no mathematics")

    def argument(self) -> Node:
        r"""What follows `\frac`: a group, or a single digit, as in `\frac12`."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdecimal():
            self.tokens[self.position] = Token("number", token.text[1:], token.upright, True)
            return number(int(token.text[0]))
        return self.group()

    def group(self) -> Node:
        r"""What TeX takes for one argument: a group in braces, or the next letter alone.

        So `2^n(n+1)` is (n+1)2^n and `\frac1x(x+1)` a product: a letter there takes no bracket and no index with it.
        """
        if self.at("{"):
            return self.bracketed("{")
        if self.peek().kind == "name":
            letter = self.take().text
            return Node("constant" if letter in ("e", "i") else "symbol", name=letter)
        return self.atom()

    def _symbol(self, letter: str) -> Node:
        """A symbol with its subscripts, or a function of the problem with its arguments."""
        name = self.suffixes(letter)
        if name in ("e", "i"):
            return Node("constant", name=name)
        if letter == "C" and (binomial := self._combination(name)) is not None:
            return binomial
        if not self.at("(") or not self.peek().tight:
            return Node("symbol", name=name)
        start = self.position
        inner = self.bracketed("(")
        if inner.kind in ("relation", "set"):  # P(X = 2)
            return Node("symbol", name=name + "".join(token.text for token in self.tokens[start : self.position]))
        if inner.kind in ("number", "symbol", "bracket") or name.rstrip("'") in FUNCTION_LETTERS:
            return Node("apply", inner.args if inner.kind == "bracket" else (inner,), name)
        return Node("mul", (Node("symbol", name=name), self._powers(inner)))

    def _powers(self, base: Node) -> Node:
        """`base` with exponents; `Grammar` reads them."""
        raise NotImplementedError

    def _combination(self, name: str) -> Node | None:
        """C_{12}^{4}: 12 choose 4."""
        if not (name[:2] == "C_" and name[2:].isdecimal() and self.at("^")):
            return None
        place = self.position
        self.take()
        chosen = self.raw_argument()
        if chosen.isdecimal() and len(chosen) < 9 and len(name) < 11:
            return Node("call", (number(int(name[2:])), number(int(chosen))), "binom")
        self.position = place
        return None

    def _command(self, name: str) -> Node:
        if name == "frac":
            return Node("div", (self.argument(), self.argument()))
        if name == "sqrt":
            degree = self.bracketed("[") if self.at("[") else number(2)
            return Node("call", (self.group(), degree), "root")
        if name == "binom":
            return Node("call", (self.argument(), self.argument()), "binom")
        if name in FUNCTIONS or name == "log10":
            return self._function(name)
        if name in ("pi", "infty"):
            return Node("constant", name="infinity" if name == "infty" else name)
        if name in ("lfloor", "lceil"):
            inner = self.delimited("r" + name[1:])
            return Node(name[1:], (inner,))
        if name == "langle":
            inner = self.delimited("rangle")
            return Node("bracket", inner.args if inner.kind == "list" else (inner,), "()")
        if name == "vert":
            self.position -= 1
            return self.absolute("vert")
        return self._named(name)

    def _named(self, name: str) -> Node:
        """Symbols that are commands."""
        if name in ("mathbb", "Bbb") or (name == "mathbf" and self.peek(1).text in NUMBER_SETS):
            return self._number_set()
        if name == "emptyset":
            return Node("set")
        if name in GREEK:
            return self._symbol(name)
        if name in FONTS:
            if self.at("{") and self.peek(1).kind == "name" and self.peek(2).text == "}":
                self.take()
                letter = self.take().text
                self.expect("}")
                return self._symbol(letter)
            return self._symbol(f"vec:{self.raw_argument()}") if name in ("vec", "overrightarrow") else self.group()
        if name in ACCENTS:
            return self._symbol(f"{name}:{self.raw_argument()}")
        if name in FIGURES:
            letters = ""
            while self.peek().kind == "name":
                letters += self.suffixes(self.take().text)
            return Node("symbol", name=f"{name} {letters or self.raw_argument()}")
        raise NotUnderstood(f"the command \\{name}")

    def _number_set(self) -> Node:
        r"""\mathbb{R}, \mathbb{N}^*, \mathbb{Z}_+."""
        name = self.raw_argument()
        if self.at("^", "_") and self.peek(1).text in ("*", "+", "-", "{"):
            self.take()
            name += self.raw_argument()
        return Node("region", name=name)

    def _function(self, name: str) -> Node:
        r"""`\sin^2 x`, `\log_2 x`, `\sin(x) y` (only x is its argument), `\sin 2x` (both are)."""
        base = self.argument() if self.accept("_") else None
        exponent = self.group_or_signed() if self.accept("^") else None
        inner = self.bracketed(self.peek().text) if self.at("(", "{", "[") else self._open_argument()
        if inner.kind == "list" or (inner.kind == "bracket" and name in SEVERAL_ARGUMENTS):
            arguments = inner.args
        else:
            arguments = (inner,)
        if name == "sqrt":
            return Node("call", (inner, number(2)), "root")
        if name in ("floor", "ceil", "abs"):
            return Node(name, (inner,))
        inverse = (
            exponent is not None and exponent == Node("neg", (number(1),)) and name in ("sin", "cos", "tan", "cot")
        )
        call = Node("call", (*arguments, *([base] if base else ())), f"arc{name}" if inverse else name)
        return Node("pow", (call, exponent)) if exponent is not None and not inverse else call

    def _open_argument(self) -> Node:
        """The factors after a function without parentheses, up to the next function or operator."""
        self.enter()
        negative = self.accept("-")
        factors = [self.factor()]
        while self.starts_factor() and self.peek().text not in FUNCTIONS:
            factors.append(self.factor())
        self.leave()
        product = factors[0] if len(factors) == 1 else Node("mul", tuple(factors))
        return Node("neg", (product,)) if negative else product

    def group_or_signed(self) -> Node:
        """An exponent: a group, an atom, or a sign and an atom (10^-3)."""
        if self.accept("-"):
            return Node("neg", (self.group(),))
        self.accept("+")
        return self.group()

    def _matrix(self) -> Node:
        environment = self.take().text
        if environment not in MATRICES:
            raise NotUnderstood(f"the environment {environment}")
        if environment == "array" and self.at("{"):
            self.raw_argument()
        rows: list[Node] = []
        cells: list[Node] = []
        while self.peek().kind != "end":
            if self.accept("&"):
                continue
            if self.accept(r"\\"):
                rows, cells = [*rows, Node("row", tuple(cells))], []
                continue
            cells.append(self.answer("&", r"\\", environment))
        self.take()
        rows = [*rows, Node("row", tuple(cells))] if cells else rows
        if not rows or len({len(row.args) for row in rows}) != 1:
            raise NotUnderstood("the rows of a matrix differ in length")
        return Node("matrix", tuple(rows))


def _number(token: Token) -> Node:
    repeating = REPEATING.fullmatch(token.text)
    if repeating is None:
        return Node("number", name=token.text, value=value_of(token.text))
    whole, once, period = repeating.groups()
    value = value_of((whole or "0") + "." + once) if once else value_of(whole or "0")
    value += Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(once))
    return Node("number", name=str(value), value=value)
