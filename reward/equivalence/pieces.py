"""Sets of real numbers as lists of pieces: sorting, joining, intersecting, comparing.

Where an end depends on a symbol, as in [kπ, kπ + π/2], its place is unknown: such pieces are compared but not joined.
"""

from dataclasses import dataclass
from typing import Any

from reward.equivalence.approximate import context
from reward.equivalence.exact import Irrational, Undefined
from reward.equivalence.values import FEW, closed_value, same_value
from reward.parser.nodes import Node, TooLarge

INFINITY = Node("constant", name="infinity")
MINUS_INFINITY = Node("neg", (INFINITY,))


@dataclass(frozen=True)
class Piece:
    """From `low` to `high`; a point if they are the same. `at_low`, `at_high`: whether the ends belong to it."""

    low: Node
    high: Node
    at_low: bool
    at_high: bool


REAL_LINE = Piece(MINUS_INFINITY, INFINITY, False, False)


class NoRealSet(Exception):
    """The node is no set of real numbers that is understood here."""


def value(node: Node) -> Any:
    """Where an end lies. Raises NoRealSet if nobody knows."""
    ctx = context(FEW)
    if node == INFINITY or (node.kind == "add" and node.args == (INFINITY,)):
        return ctx.inf
    if node.kind == "neg" and node.args[0] == INFINITY:
        return -ctx.inf
    if node.kind == "neg" and node.args[0].kind == "neg":
        return value(node.args[0].args[0])
    try:
        place = closed_value(node, FEW)
    except (Irrational, Undefined, TooLarge, KeyError) as error:
        raise NoRealSet("an end without a value") from error
    if ctx.im(place) != 0:
        raise NoRealSet("a complex end")
    return ctx.re(place)


def _is_closed(parts: tuple[Piece, ...]) -> bool:
    return all(end.is_scalar and not end.symbols for part in parts for end in (part.low, part.high))


def _order(first: Any, second: Any) -> int:
    """-1, 0 or 1; ends that differ by less than 1e-40 of their size are the same."""
    ctx = context(FEW)
    both_finite = ctx.isfinite(first) and ctx.isfinite(second)
    if first == second or (both_finite and abs(first - second) <= ctx.mpf(10) ** -40 * max(abs(first), abs(second))):
        return 0
    return -1 if first < second else 1


def normal(parts: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Sorted, without empty pieces, and with touching ones joined; untouched if an end depends on a symbol."""
    if not _is_closed(parts):
        if any(not end.is_scalar for part in parts for end in (part.low, part.high)):
            raise NoRealSet("ends that are no numbers")
        return parts
    joined: list[Piece] = []
    for part in sorted(parts, key=lambda part: (value(part.low), not part.at_low)):
        order = _order(value(part.low), value(part.high))
        if order > 0 or (order == 0 and not (part.at_low and part.at_high)):
            continue
        last = joined[-1] if joined else None
        gap = _order(value(last.high), value(part.low)) if last else -1
        if last is None or gap < 0 or (gap == 0 and not (last.at_high or part.at_low)):
            joined.append(part)
            continue
        further = _order(value(part.high), value(last.high))
        end = part if further > 0 else last
        closed = end.at_high or (further == 0 and (part.at_high or last.at_high))
        joined[-1] = Piece(last.low, end.high, last.at_low, closed)
    return tuple(joined)


def both(first: tuple[Piece, ...], second: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The intersection. With symbols in the ends only a half line and another one that faces it are understood."""
    if not (_is_closed(first) and _is_closed(second)):
        return (_facing(first, second),)
    common = []
    for one in first:
        for other in second:
            low = _order(value(one.low), value(other.low))
            high = _order(value(one.high), value(other.high))
            start, end = (one if low > 0 else other), (one if high < 0 else other)
            at_low = start.at_low if low else one.at_low and other.at_low
            at_high = end.at_high if high else one.at_high and other.at_high
            common.append(Piece(start.low, end.high, at_low, at_high))
    return normal(tuple(common))


def _facing(first: tuple[Piece, ...], second: tuple[Piece, ...]) -> Piece:
    if len(first) != 1 or len(second) != 1:
        raise NoRealSet("an intersection that depends on symbols")
    for one, other in ((first[0], second[0]), (second[0], first[0])):
        if one.high == INFINITY and other.low == MINUS_INFINITY:
            return Piece(one.low, other.high, one.at_low, other.at_high)
    raise NoRealSet("an intersection that depends on symbols")


def complement(parts: tuple[Piece, ...]) -> tuple[Piece, ...]:
    if not _is_closed(parts):
        raise NoRealSet("a complement that depends on symbols")
    rest: tuple[Piece, ...] = (REAL_LINE,)
    for part in parts:
        below = Piece(MINUS_INFINITY, part.low, False, not part.at_low)
        above = Piece(part.high, INFINITY, not part.at_high, False)
        rest = both(rest, normal((below, above)))
    return rest


def same_pieces(gold: tuple[Piece, ...], answer: tuple[Piece, ...]) -> bool | None:
    """Whether two sets have the same pieces; their order matters only where it can be known."""
    if len(gold) != len(answer):
        return False
    left = list(answer)
    for piece in gold:
        match = next((other for other in left if _same_piece(piece, other)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _same_piece(gold: Piece, answer: Piece) -> bool:
    if (gold.at_low, gold.at_high) != (answer.at_low, answer.at_high) and not _is_unbounded(gold):
        return False
    return bool(same_value(gold.low, answer.low) and same_value(gold.high, answer.high))


def _is_unbounded(piece: Piece) -> bool:
    return piece.low == MINUS_INFINITY and piece.high == INFINITY
