"""Values with units, and ratios."""

import re

from reward.equivalence.several_values import Same
from reward.equivalence.values import same_value
from reward.parser.nodes import Node, number
from reward.parser.units import Unit, known, read_unit
from reward.parser.vocabulary import word_set

# "10 units", "5 total": such words distinguish nothing.
NO_DIFFERENCE = word_set("unit square cubic total altogether way in all each day th st nd rd the a piece item per of")
CLOCK = re.compile(r"\d\d")


def same_time(gold: Node, answer: Node) -> bool | None:
    """Times of a day, and what looks like one: 10:25 is not 2:05 (both are 2 : 5 as ratios). None for anything else.

    8:20 is 8:20 a.m. and 8:20 p.m.; 15:30 is 3:30 p.m.
    """
    sides = [_clock(node) for node in (gold, answer)]
    one, two = sides
    if one is None or two is None:
        return False if any(side and side[1] for side in sides) else None
    (face, half), (other_face, other_half) = one, two
    if not half and not other_half:
        return face == other_face if min(len(face), len(other_face)) > 1 else None
    if half and other_half:
        return face == other_face and half == other_half
    if not half:
        face, half, other_face = other_face, other_half, face
    since_midnight = [face[0] % 12 + (12 if half == "pm" else 0), *face[1:]]
    return tuple(_padded(other_face)) in (_padded(face), _padded(tuple(since_midnight)))


def _padded(face: tuple[int, ...]) -> tuple[int, ...]:
    return face if len(face) > 1 else (*face, 0)


def _clock(node: Node) -> tuple[tuple[int, ...], str] | None:
    """Hours, minutes and seconds, and "am", "pm" or "": `8:05 pm`, `8 pm`, `8:05`, `8`."""
    half = node.name.lower().replace(".", "") if node.kind == "quantity" else ""
    if half not in ("am", "pm", ""):
        return None
    inner = node.args[0] if half else node
    parts = inner.args if inner.kind == "ratio" else (inner,)
    if not all(part.kind == "number" and part.name.isdecimal() for part in parts) or len(parts[0].name) > 2:
        return None
    if not all(CLOCK.fullmatch(part.name) for part in parts[1:]):
        return None
    face = tuple(int(part.name) for part in parts)
    return (_padded(face) if half else face), half


def same_ratio(gold: Node, answer: Node) -> bool | None:
    """2 : 4 is 1 : 2; but 12:00 and 1:00 are times, and so is whatever else contains a zero."""
    zero = number(0)
    if any(same_value(part, zero) for side in (gold, answer) for part in side.args):
        return all(same_value(*pair) for pair in zip(gold.args, answer.args, strict=True))
    first = gold.args[0], answer.args[0]
    crossed = [
        same_value(Node("mul", (ours, first[1])), Node("mul", (theirs, first[0])))
        for ours, theirs in zip(gold.args[1:], answer.args[1:], strict=True)
    ]
    return None if None in crossed else all(crossed)


def same_quantity(gold: Node, answer: Node, same: Same) -> bool | None:
    """10 cm is not 10 m, 100 cm is 1 m, a gain no loss; a unit or a noun that only one side has says nothing."""
    sides = [_measured(node) for node in (gold, answer)]
    (mine, ours, my_nouns), (other, theirs, other_nouns) = sides
    if any(unit and _is_other_unit(unit, node) for unit, node in ((ours, other), (theirs, mine))):
        return False
    if _is_counted_beside(my_nouns, other_nouns, other) or _is_counted_beside(other_nouns, my_nouns, mine):
        return False
    if my_nouns and other_nouns and not (my_nouns <= other_nouns or other_nouns <= my_nouns):
        return False
    if _is_other_thing(ours, my_nouns, theirs, other_nouns, other) or _is_other_thing(
        theirs, other_nouns, ours, my_nouns, mine
    ):
        return False
    if ours is None or theirs is None or ours == theirs:
        return same(mine, other)
    if ours.dimensions != theirs.dimensions:
        return False
    return same(mine, Node("mul", (other, number(theirs.factor / ours.factor))))


def _is_other_thing(
    unit: Unit | None, nouns: frozenset[str], other_unit: Unit | None, other_nouns: frozenset[str], other: Node
) -> bool:
    """5 m are no 5 blocks; but a profit of $5 is $5."""
    return bool(unit and not nouns and not other_unit and other_nouns) and other.kind != "quantity"


def _is_counted_beside(nouns: frozenset[str], others: frozenset[str], other: Node) -> bool:
    """5 apples are no 5%."""
    return bool(nouns) and not others and other.kind in ("percent", "degree")


def _measured(node: Node) -> tuple[Node, Unit | None, frozenset[str]]:
    """Value, unit and nouns: `5 miles north` is 5, the mile and "north"."""
    if node.kind != "quantity":
        return node, None, frozenset()
    words = node.name.split()
    for end in range(len(words), 0, -1):
        unit = read_unit(" ".join(words[:end]))
        if unit is not None:
            return node.args[0], unit, _nouns(words[end:])
    return node.args[0], None, _nouns(words)


def _nouns(words: list[str]) -> frozenset[str]:
    return frozenset(word.lower().removesuffix("s") for word in words if word.isalpha()) - NO_DIFFERENCE


def _is_other_unit(unit: Unit, node: Node) -> bool:
    r"""An angle and a percentage are no lengths: 5^\circ is not 5 cm; beside 5^\circ C it may be a temperature."""
    is_temperature = any(name.startswith("temperature") for name, _ in unit.dimensions)
    return node.kind == "percent" or (node.kind == "degree" and not is_temperature)


def with_bare_unit(node: Node) -> Node | None:
    """10 m beside a value without symbols: there m can only be a unit that was not set upright."""
    if node.kind != "mul" or node.args[-1].kind != "symbol" or len(node.symbols) != 1:
        return None
    unit = node.args[-1].name
    if known(unit) is None or any(arg.symbols for arg in node.args[:-1]):
        return None
    value = node.args[0] if len(node.args) == 2 else Node("mul", node.args[:-1])
    return Node("quantity", (value,), unit)
