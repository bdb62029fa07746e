"""Values with units, and ratios."""

from reward.equivalence.several_values import Same
from reward.equivalence.values import same_value
from reward.parser.nodes import Node, number
from reward.parser.units import Unit, known, read_unit


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
    """10 cm is not 10 m, 100 cm is 1 m, and a unit that only one side has (or nobody knows) says nothing."""
    units = [read_unit(node.name) if node.kind == "quantity" else None for node in (gold, answer)]
    values = [node.args[0] if node.kind == "quantity" else node for node in (gold, answer)]
    ours, theirs = units
    if any(unit and _is_other_unit(unit, node) for unit, node in ((ours, answer), (theirs, gold))):
        return False
    if ours is None or theirs is None or ours == theirs:
        return same(*values)
    if ours.dimensions != theirs.dimensions:
        return False
    return same(values[0], Node("mul", (values[1], number(theirs.factor / ours.factor))))


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
