r"""Whether two trees say the same: relations, lists, tuples, sets, intervals, matrices, quantities, down to values.

`True` and `False` are proofs as far as this package can prove; `None` means that it does not understand the pair well
enough, and that math-verify may have a try.
"""

from itertools import pairwise

from reward.equivalence import equations, real_sets
from reward.equivalence.exact import Irrational, Meaning, Undefined, rational
from reward.equivalence.names import (
    are_different_names,
    assignment,
    before_approximation,
    is_equation,
    is_name,
    rename_parameter,
    with_same_variables,
    without_approximation,
)
from reward.equivalence.pieces import NoRealSet, same_pieces
from reward.equivalence.quantities import same_quantity, same_ratio, same_time, with_bare_unit
from reward.equivalence.real_sets import SET_KINDS, is_condition, unknown_of
from reward.equivalence.several_values import all_same, matched, parts_of, same_list
from reward.equivalence.values import same_value
from reward.parser.nodes import Node, TooLarge, replace_args

ARITHMETIC = frozenset(("add", "mul", "neg", "pow", "div"))
CONDITIONS = frozenset(("relation", "builder", "region", "union", "intersection", "difference"))


def same(gold: Node, answer: Node, integers: frozenset[str] = frozenset()) -> bool | None:
    """Whether `answer` says what `gold` says; `integers` are the symbols that one of the texts calls integers."""
    if gold == answer:
        return True
    gold, answer = without_approximation(gold), without_approximation(answer)
    verdict = _same(gold, answer)
    if (
        verdict is not True
        and gold.symbols != answer.symbols
        and (renamed := rename_parameter(_value(gold), _value(answer), integers)) is not None
    ):
        return _same(_value(gold), renamed)
    return verdict


def _value(node: Node) -> Node:
    named = assignment(node)
    return named[1] if named else node


def _same(gold: Node, answer: Node) -> bool | None:
    if gold == answer:
        return True
    if gold.kind != answer.kind:
        gold, answer = _without_label(gold), _without_label(answer)
    if gold.is_scalar and answer.is_scalar:
        return _same_scalar(gold, answer)
    for rule in (_same_real_sets, _same_relations):
        verdict = rule(gold, answer)
        if verdict is not None:
            return verdict
    if _are_collections(gold, answer):  # None for one part that nobody knows, as in `1, 9942!`, is no difference
        return _same_collections(gold, answer)
    if "matrix" in (gold.kind, answer.kind):
        return _same_arrays(gold, answer)
    if gold.kind == answer.kind == "piecewise":
        return _same_pieces_of_function(gold, answer)
    return None if _may_be_equal(gold, answer) else False


def _without_label(node: Node) -> Node:
    """The point (2, 3) that A(2, 3) names."""
    is_point = node.kind == "apply" and len(node.args) > 1 and len(node.name) == 1 and node.name.isupper()
    return Node("bracket", node.args, "()") if is_point else node


def _same_pieces_of_function(gold: Node, answer: Node) -> bool | None:
    """The same values under the same conditions, in any order; None where one side says "otherwise" alone."""
    if len(gold.args) != len(answer.args):
        return None
    left = list(answer.args)
    for row in gold.args:
        match = next((other for other in left if all(map(_same, row.args, other.args))), None)
        if match is None:
            return None if gold.symbols != answer.symbols else False
        left.remove(match)
    return True


def _same_class(gold: Node, answer: Node) -> bool | None:
    """3 mod 7 is 10 mod 7. The value alone is no class; a class states its value where that is the remainder."""
    if answer.kind != "modulo" or (gold.kind == "modulo" and not same_value(gold.args[1], answer.args[1])):
        return False
    values = gold.args[0] if gold.kind == "modulo" else gold, answer.args[0], answer.args[1]
    try:
        ours, theirs, modulus = (rational(value, Meaning()) for value in values)
    except (Irrational, Undefined, TooLarge, KeyError):
        return gold.kind == "modulo" and same_value(*values[:2])
    if gold.kind != "modulo":
        return ours == theirs and 0 <= theirs < modulus
    return modulus != 0 and (ours - theirs) % modulus == 0


def _may_be_equal(gold: Node, answer: Node) -> bool:
    """Whether two nodes that no rule compares may still say the same: a condition and a set, a sum of matrices.

    A number is no tuple, no list and no inequality.
    """
    structures = [node for node in (gold, answer) if not node.is_scalar]
    if any(node.kind in ARITHMETIC for node in structures):
        return True
    return len(structures) == 2 and any(node.kind in CONDITIONS for node in structures)


def _same_scalar(gold: Node, answer: Node) -> bool | None:
    if (times := same_time(gold, answer)) is not None:
        return times
    if gold.kind == answer.kind == "ratio" and len(gold.args) == len(answer.args):
        return same_ratio(gold, answer)
    if "modulo" in (gold.kind, answer.kind):
        return _same_class(gold, answer)
    if "sign" in (gold.kind, answer.kind) or gold.holds("sign") or answer.holds("sign"):
        return same_list(parts_of(gold), parts_of(answer), _same)
    if not gold.symbols:
        answer = with_bare_unit(answer) or answer
    elif answer.kind == "quantity" and not answer.symbols:  # 10 m is no 10 \text{ cm}, whichever is the gold
        gold = with_bare_unit(gold) or gold
    if "quantity" in (gold.kind, answer.kind):
        return same_quantity(gold, answer, _same)
    if gold.holds("based") or answer.holds("based"):
        return False  # 2516_8 is not 2516, and equal ones were equal as trees
    return same_value(gold, answer)


def _same_real_sets(gold: Node, answer: Node) -> bool | None:
    """Intervals, inequalities and unions; None unless both are sets of numbers and one of them is more than a tuple."""
    named = [assignment(node) for node in (gold, answer)]
    if any(pair is not None and node.name != "in" for pair, node in zip(named, (gold, answer), strict=True)):
        return None
    sides = [pair[1] if pair else node for pair, node in zip(named, (gold, answer), strict=True)]
    if not all(side.kind in SET_KINDS or is_condition(side) or side.kind in ("list", "add") for side in sides):
        return None
    builders = [side for side in sides if side.kind == "builder"]
    if len(builders) == 2 and builders[0].name != builders[1].name:
        return False  # the integers beyond 1 are not all numbers beyond 1
    if len(builders) == 2 and builders[0].name:
        sides = [replace_args(Node("builder"), side.args) for side in sides]
    units = [{part.name for part in side.walk() if part.kind == "quantity"} for side in sides]
    if all(units) and units[0] != units[1]:
        return None  # the pieces of a set are numbers; x > 5 m is compared side by side
    if not any(is_condition(side) or side.kind not in ("bracket", "set", "list") for side in sides):
        return _same(*sides) if sides != [gold, answer] else None
    try:
        unknowns = [unknown_of(side) for side in sides] if all(map(is_condition, sides)) else []
        if unknowns and unknowns[0].kind == unknowns[1].kind and are_different_names(*unknowns):
            return False
    except NoRealSet:
        pass
    try:
        return same_pieces(real_sets.pieces(sides[0]), real_sets.pieces(sides[1]))
    except NoRealSet:
        return None


def _same_relations(gold: Node, answer: Node) -> bool | None:
    if "relation" not in (gold.kind, answer.kind):
        return None
    if _contradicts_itself(answer):
        return False
    if is_equation(gold) and is_equation(answer) and _steps_differ(gold, answer):
        return False
    ours, theirs = assignment(gold), assignment(answer)
    if ours and theirs:
        return _same_assignments(gold, answer, ours, theirs)
    if answer.kind != "relation" or theirs:
        return _same_as_relation(gold, theirs[1] if theirs else answer, ours, answer)
    if gold.kind != "relation" or (ours and not answer.symbols):
        return _same_as_stated(ours[1] if ours else gold, answer)
    return _same_conditions(gold, answer)


def _same_assignments(gold: Node, answer: Node, ours: tuple[Node, Node], theirs: tuple[Node, Node]) -> bool | None:
    name, value = with_same_variables(ours[0], theirs)
    verdict = _same(ours[1], value)
    if verdict and not are_different_names(ours[0], name):
        return True
    if (ours[0].kind == "abs") != (name.kind == "abs"):  # where all symbols are positive |y| would be y
        return False
    if is_equation(gold) and is_equation(answer):
        return bool(equations.same_equation(gold, answer))
    return verdict if verdict is None else False


def _same_as_relation(gold: Node, value: Node, ours: tuple[Node, Node] | None, answer: Node) -> bool | None:
    """The gold may be a relation, and the answer is a value, perhaps with a name."""
    if ours is not None:
        verdict = _same(ours[1], value)
        if verdict is not False or not is_equation(gold) or not value.is_scalar:
            return verdict
    if gold.kind != "relation":
        return _same(gold, value)
    if answer.kind == "relation" and is_equation(gold) and (equal := equations.same_equation(gold, answer)) is not None:
        return equal
    if not is_equation(gold) or not value.is_scalar:
        return None if not value.is_scalar else False
    if _is_true_chain(gold):
        return _same(gold.args[-1], value)
    if len(gold.symbols) == 1 and not value.symbols:  # 3 for 2x = 6
        stated = equations.value_stated(gold)
        return stated is not None and _same(stated, value)
    return equations.solves(gold, value)


def _same_as_stated(gold: Node, answer: Node) -> bool | None:
    r"""The answer is an equation: `a + b = 7` states the gold 7, as does 35/5 = 7, but 8 = 7 states nothing."""
    if not is_equation(answer):
        return None
    if answer.symbols and gold.is_scalar and not gold.symbols and not answer.args[-1].symbols:
        value = equations.value_stated(answer)
        return value is not None and _same(gold, value)
    if not answer.symbols:
        return _is_true_chain(answer) and _same(gold, answer.args[-1])
    return None


def _contradicts_itself(node: Node) -> bool:
    """5 = x = 6; but x = 22/7 = 3.14 rounds, and so does what comes after an approximation sign."""
    if not is_equation(node):
        return False
    exact = [side for side in before_approximation(node) if side.is_scalar and not is_name(side)]
    return any(
        first.symbols == second.symbols and not same_value(first, second) and same_value(second, first) is False
        for first, second in pairwise(exact)
        if len(node.args) > 2
    )


def _steps_differ(gold: Node, answer: Node) -> bool:
    """a_1 = a_7 = 2 is not a_1 = a_2 = 2: chains of the same length agree in every step.

    A step that is no value, as where two equations with tuples stand side by side, has to be the same for sure.
    """
    return len(gold.args) == len(answer.args) > 2 and any(
        _same_scalar(ours, theirs) is False if ours.is_scalar and theirs.is_scalar else not _same(ours, theirs)
        for ours, theirs in zip(gold.args[1:-1], answer.args[1:-1], strict=True)
        if ours.symbols or theirs.symbols or not (ours.is_scalar and theirs.is_scalar)
    )


def _is_true_chain(node: Node) -> bool:
    """Whether all sides of an equation have the same value, whatever its symbols are."""
    sides = node.args
    return all(side.is_scalar for side in sides) and all(same_value(sides[0], side) for side in sides[1:])


def _same_conditions(gold: Node, answer: Node) -> bool | None:
    """Two relations that are no assignments: the same sides with the same signs, or equivalent ones."""
    signs = gold.name.split(), answer.name.split()
    if signs[0] == signs[1] and all(_same(*pair) for pair in zip(gold.args, answer.args, strict=True)):
        return True
    backwards = [equations.FLIPPED.get(sign, sign) for sign in reversed(signs[1])]
    if signs[0] == backwards and all(_same(*pair) for pair in zip(gold.args, answer.args[::-1], strict=True)):
        return True
    if is_equation(gold) and is_equation(answer):
        return equations.same_equation(gold, answer)
    if len(gold.args) == len(answer.args) == 2:
        return equations.same_inequality(gold, answer)
    return None if len(gold.args) == len(answer.args) else False


def _are_collections(gold: Node, answer: Node) -> bool:
    """Whether one of them has parts and the other is no sum, product or matrix of such."""
    parts = parts_of(gold), parts_of(answer)
    several = max(map(len, parts)) > 1 or gold.kind == answer.kind == "bracket"
    return several or (not {"list", "set"}.isdisjoint((gold.kind, answer.kind)) and parts != ([gold], [answer]))


def _same_collections(gold: Node, answer: Node) -> bool | None:
    """Lists (in any order), sets, tuples (in their order)."""
    kinds = {gold.kind, answer.kind}
    parts = parts_of(gold), parts_of(answer)
    if kinds == {"set"} and _depths(gold) != _depths(answer):
        return False
    if {gold.name, answer.name} == {"and", "or"} and all(part.kind == "symbol" for part in parts[0]):
        return False  # statements; of values and points "and" means "or"
    if kinds == {"bracket"}:
        return same_list(*parts, _same) if max(map(len, parts)) > 1 else _same_brackets(gold, answer)
    if kinds == {"list", "bracket"} and any(node.name == "[]" and len(node.args) > 2 for node in (gold, answer)):
        return same_list(list(gold.args), list(answer.args), _same)  # a list of Python's
    if kinds == {"list", "bracket"}:
        several = gold.kind == "list" or len(parts[0]) > 1  # (\pm 1, 0) is two points
        as_list = matched(*parts, _same) if several else False
        in_order = [_by_name(node) for node in (gold, answer)]
        if as_list or any(node.kind == "bracket" and node.name != "()" for node in (gold, answer)):
            return bool(as_list)
        return len(in_order[0]) == len(in_order[1]) and all(
            _same(_value(ours), _value(theirs)) for ours, theirs in zip(*in_order, strict=True)
        )
    if kinds == {"set", "bracket"}:
        return (len(gold.args) == 1 and gold.kind == "set" and bool(_same(gold.args[0], answer))) or (
            len(answer.args) == 1 and answer.kind == "set" and bool(_same(gold, answer.args[0]))
        )
    return same_list(*parts, _same, once="set" in kinds)


def _depths(node: Node) -> tuple[int, int]:
    """How many elements of a set are sets, and whether it has any: {{1}} is not {1}, {∅} not ∅."""
    return sum(arg.kind == "set" for arg in node.args), bool(node.args)


def _by_name(node: Node) -> tuple[Node, ...]:
    """The parts of `y = 3, x = 2` in the order that the tuple (x, y) has; other parts as they stand."""
    names = [pair[0].name if (pair := assignment(part)) and pair[0].kind == "symbol" else "" for part in node.args]
    if node.kind != "list" or not all(len(name) == 1 for name in names) or len(set(names)) < len(names):
        return node.args
    return tuple(part for _, part in sorted(zip(names, node.args, strict=True), key=lambda pair: pair[0]))


def _same_brackets(gold: Node, answer: Node) -> bool | None:
    """(1, 2) is not [1, 2]; with more or fewer than two entries both are vectors."""
    if len(gold.args) != len(answer.args):
        return False
    if gold.name != answer.name and (len(gold.args) == 2 or {gold.name, answer.name} != {"()", "[]"}):
        return False
    return all_same(zip(map(_value, gold.args), map(_value, answer.args), strict=True), _same)


def _same_arrays(gold: Node, answer: Node) -> bool | None:
    """Matrices, entry by entry; a column or a row is the tuple of its entries."""
    if gold.kind == answer.kind:
        if [len(row.args) for row in gold.args] != [len(row.args) for row in answer.args]:
            return False
    elif not all(node.kind == "bracket" or (node.kind == "matrix" and _is_vector(node)) for node in (gold, answer)):
        return None if _may_be_equal(gold, answer) else False
    entries = [_entries(node) for node in (gold, answer)]
    if len(entries[0]) != len(entries[1]):
        return False
    return all_same(zip(*entries, strict=True), _same)


def _is_vector(matrix: Node) -> bool:
    return len(matrix.args) == 1 or all(len(row.args) == 1 for row in matrix.args)


def _entries(node: Node) -> list[Node]:
    return [entry for row in node.args for entry in row.args] if node.kind == "matrix" else list(node.args)
