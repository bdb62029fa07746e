r"""Sets of real numbers: intervals, inequalities, unions and set builders brought to one form, a list of pieces.

Here [1/2, 8], 1/2 ≤ x ≤ 8 and {x | 1/2 ≤ x ≤ 8} are the same, whichever of them is the gold (math-verify compares them
only if the gold is the inequality), and so are (−∞, −2] ∪ {1} and "a ≤ −2 or a = 1".
"""

from math import ceil, floor

from reward.equivalence.equations import FLIPPED, solution
from reward.equivalence.names import assignment, difference, is_name, substitute
from reward.equivalence.pieces import (
    INFINITY,
    MINUS_INFINITY,
    REAL_LINE,
    NoRealSet,
    Piece,
    both,
    complement,
    normal,
    value,
)
from reward.parser.nodes import Node, number
from reward.parser.vocabulary import word_set

INEQUALITIES = word_set("< > le ge ne")
MOST_INTEGERS = 100  # of a set that is counted out
SET_KINDS = word_set("bracket set builder union intersection difference region")


def pieces(node: Node, unknown: Node | None = None) -> tuple[Piece, ...]:
    """The pieces of a set or a condition, from left to right. Raises NoRealSet."""
    if node.holds("modulo"):
        raise NoRealSet("a class of integers")
    if node.kind == "bracket" and len(node.args) == 2:
        low, high = node.args
        at_low, at_high = node.name[0] == "[" and low != MINUS_INFINITY, node.name[1] == "]" and high != INFINITY
        return normal((Piece(low, high, at_low, at_high),))
    if node.kind == "set":
        return normal(tuple(Piece(arg, arg, True, True) for arg in node.args))
    if node.kind == "region" and node.name == "R":
        return (REAL_LINE,)
    if node.kind == "builder":
        found = pieces(node.args[1], node.args[0])
        return _integers(found) if node.name else found
    if node.kind == "union" or (node.kind == "list" and node.name in ("or", "and") and _are_sets(node)):
        return normal(tuple(piece for arg in node.args for piece in pieces(arg, unknown)))
    if node.kind == "intersection":
        return both(pieces(node.args[0]), pieces(node.args[1]))
    if node.kind == "difference" or (node.kind == "add" and len(node.args) == 2 and node.args[1].kind == "neg"):
        rest = node.args[1] if node.kind == "difference" else node.args[1].args[0]
        return both(pieces(node.args[0]), complement(pieces(rest)))
    if node.kind == "list":
        return _conditions(node, unknown)
    if node.kind == "relation":
        return _condition(node, unknown)
    raise NoRealSet(node.kind)


def _integers(parts: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The integers in some pieces, {1, 2} of 0 < x < 3, where they are few."""
    found = set[int]()
    for part in parts:
        low, high = value(part.low), value(part.high)
        if not high - low < MOST_INTEGERS:
            raise NoRealSet("too many integers")
        least = ceil(low) + (not part.at_low and low == ceil(low))
        found.update(range(least, floor(high) + (part.at_high or high != floor(high))))
    return normal(tuple(Piece(number(one), number(one), True, True) for one in sorted(found)))


def is_condition(node: Node) -> bool:
    """Whether it is an inequality, or several conditions one of which is."""
    if node.kind == "list":
        return any(is_condition(arg) for arg in node.args) and all(arg.kind == "relation" for arg in node.args)
    return node.kind == "relation" and bool(set(node.name.split()) & INEQUALITIES)


def _are_sets(node: Node) -> bool:
    return all(arg.kind in SET_KINDS for arg in node.args)


def _conditions(node: Node, unknown: Node | None) -> tuple[Piece, ...]:
    """Conditions on one unknown. A comma means "and", unless nothing is left of that: x < -1, x > 3."""
    if not all(arg.kind == "relation" for arg in node.args):
        raise NoRealSet("a list of values")
    unknown = unknown or unknown_of(node)
    parts = [pieces(arg, unknown) for arg in node.args]
    if node.name == "or":
        return normal(tuple(piece for part in parts for piece in part))
    common = parts[0]
    for part in parts[1:]:
        common = both(common, part)
    return common if common or node.name else normal(tuple(piece for part in parts for piece in part))


def unknown_of(node: Node) -> Node:
    """The one quantity that conditions are about."""
    names = {
        side
        for relation in (node.args if node.kind == "list" else (node,))
        if relation.kind == "relation"
        for side in relation.args
        if is_name(side) and side.name != "e"
    }
    if len(names) != 1:
        raise NoRealSet("not one unknown")
    return names.pop()


def _condition(node: Node, unknown: Node | None) -> tuple[Piece, ...]:
    named = assignment(node)
    if named is not None and (unknown is None or named[0] == unknown):
        return pieces(named[1]) if node.name == "in" else pieces(Node("set", (named[1],)))
    signs = node.name.split()
    if not set(signs) <= INEQUALITIES:
        raise NoRealSet("no inequality")
    found: tuple[Piece, ...] | None = None
    for left, sign, right in zip(node.args, signs, node.args[1:], strict=False):
        part = _inequality(left, sign, right, unknown or _unknown_in(node))
        found = part if found is None else both(found, part)
    return found or ()


def _unknown_in(node: Node) -> Node:
    names = [side for side in node.args if is_name(side) and side.name != "e"]
    if len(names) == 1:
        return names[0]
    if len(node.symbols) == 1:
        return Node("symbol", name=next(iter(node.symbols)))
    raise NoRealSet("not one unknown")


def _inequality(left: Node, sign: str, right: Node, unknown: Node) -> tuple[Piece, ...]:
    """The solution of an inequality between the unknown and a bound, or linear in the unknown."""
    if right == unknown:
        left, sign, right = right, FLIPPED[sign], left
    if left != unknown:
        left, sign, right = _solved(left, sign, right, unknown)
    if unknown.symbols & right.symbols or not (right.is_scalar):
        raise NoRealSet("the unknown stands on both sides")
    if sign == "ne":
        ends = [Node("sign", right.args, name) for name in ("+-", "-+")] if right.kind == "sign" else [right]
        points = tuple(Piece(end, end, True, True) for end in ends)
        return complement(normal(points))
    closed = sign in ("le", "ge")
    below = sign in ("<", "le")
    piece = Piece(MINUS_INFINITY, right, False, closed) if below else Piece(right, INFINITY, closed, False)
    return _mirrored(piece, unknown)


def _solved(left: Node, sign: str, right: Node, unknown: Node) -> tuple[Node, str, Node]:
    """-x > -1 as x < 1."""
    zero = difference(left, right)
    if unknown.kind != "symbol" or not zero.is_scalar or zero.symbols != {unknown.name}:
        raise NoRealSet("an inequality that is not linear in one symbol")
    bound = solution(zero, unknown.name)
    if bound is None:
        raise NoRealSet("an inequality that is not linear")
    slope = difference(*(substitute(zero, unknown.name, number(value)) for value in (1, 0)))
    return unknown, sign if value(slope) > 0 else FLIPPED[sign], bound


def _mirrored(piece: Piece, unknown: Node) -> tuple[Piece, ...]:
    """|x| < 3 means -3 < x < 3; the length |AB| < 3 means what it says."""
    inner = unknown.args[0] if unknown.kind == "abs" else unknown
    if unknown.kind != "abs" or inner.kind != "symbol" or inner.name[:1].isupper():
        return (piece,)
    mirror = Piece(Node("neg", (piece.high,)), Node("neg", (piece.low,)), piece.at_high, piece.at_low)
    if piece.low == MINUS_INFINITY:
        return both((piece,), (mirror,))
    return normal((piece, mirror))
