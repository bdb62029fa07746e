"""What an answer says, as a tree.

Kinds of scalar nodes (they have a value):
    number      name = the digits as written, value = their exact value
    symbol      name
    constant    name: pi, e, i, infinity
    add, mul, div, pow, neg, factorial, abs, floor, ceil, percent, degree, radian
    mixed       args = (whole number, proper fraction): their sum
    modulo      args = (value, modulus): a class of integers
    sign        args = (term,), name "+-" or "-+": a term that is added or subtracted
    call        name(args): a function everybody knows, as sin
    apply       name(args): a function of the problem, as f(x)
    based       name = digits and base: "2516_8"
    ratio       a : b
    quantity    args = (value,), name = its unit
Kinds of structures:
    list        a, b, c (unordered; name = "or", "and", ";" for one group of several, or "labels" for (a) 5 (b) 6)
    bracket     name = the two delimiters: "()", "[)", ...: a tuple, a point or an interval
    set         {a, b}
    builder     {x | condition}: args = (symbol, condition); name = the domain of x: Z, N, Q, else ""
    union, intersection, difference, region (a named set of numbers)
    matrix      args = rows, each a "row"
    piecewise   args = rows of (value, condition)
    relation    args = sides, name = the relation signs between them, separated by spaces
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from reward.parser.vocabulary import word_set

STRUCTURES = word_set("list bracket set builder union intersection difference region matrix row relation piecewise")


class NotUnderstood(Exception):
    """The text is no mathematics that this package reads; math-verify may."""


class Opaque(NotUnderstood):
    """Nobody, math-verify neither, should read the text as arithmetic: a date, a cross product. It is left a text."""


class TooLarge(Exception):
    """A number or an expression beyond the bounds of this package: nobody should try to evaluate it."""


@dataclass(frozen=True)
class Node:
    """One node; see the module's docstring for what its fields hold."""

    kind: str
    args: tuple["Node", ...] = ()
    name: str = ""
    value: Fraction = Fraction(0)

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.args)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of all nodes in this tree."""
        return frozenset((self.kind,)).union(*(arg.kinds for arg in self.args))

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names of the symbols in it."""
        own = (self.name,) if self.kind == "symbol" else ()
        return frozenset(own).union(*(arg.symbols for arg in self.args))

    def holds(self, *kinds: str) -> bool:
        """Whether a node of one of these kinds is in this tree."""
        return not self.kinds.isdisjoint(kinds)

    @property
    def is_scalar(self) -> bool:
        """Whether it stands for one number (perhaps depending on symbols)."""
        return self.kinds.isdisjoint(STRUCTURES)


def number(value: int | Fraction) -> Node:
    """A number as a node."""
    return Node("number", name=str(value), value=Fraction(value))


def replace_args(node: Node, args: tuple[Node, ...]) -> Node:
    """The same node over other arguments."""
    return Node(node.kind, args, node.name, node.value)
