r"""Answers of several parts: `3 \pm 2\sqrt{2}`, `x = 1, x = 2`, `a = 1, b = 2`, `(p, q) = (3, 2)`, `5, 2; 7, 2`."""

from collections.abc import Callable, Iterable
from itertools import product

from reward.equivalence.names import are_different_names, assignment
from reward.parser.nodes import Node, replace_args

Same = Callable[[Node, Node], bool | None]
MOST_PARTS = 64
MOST_SIGNS = 6
NUMBER_SETS = frozenset("RZNQC")


def parts_of(node: Node) -> list[Node]:
    r"""The parts of a list or a set, with \pm written out; of anything else, itself.

    Conditions on free symbols ("k \in \mathbb{Z}") are no parts.
    """
    if node.kind in ("list", "set"):
        args = _with_common_left_side([_grouped(arg) for arg in node.args if not is_declaration(arg)])
        parts = [part for arg in args for part in ([arg] if arg.kind == "set" else parts_of(arg))]
        return parts or [node]
    named = assignment(node)
    if named is not None and node.name != "in" and named[1].kind in ("list", "add", "sign", "mul", "div"):
        values = parts_of(named[1])
        if len(values) > 1:
            return [Node("relation", (named[0], value), "=") for value in values]
    return _with_signs_written_out(node)


def _with_common_left_side(parts: list[Node]) -> list[Node]:
    """`|x| = 0, 1` as `|x| = 0, |x| = 1`: what stands before several bare values is said of each."""
    if not parts or parts[0].kind != "relation" or parts[0].name != "=" or len(parts[0].args) != 2:
        return parts
    first, *rest = parts
    if not first.args[0].symbols or not all(part.is_scalar for part in rest):
        return parts
    return [first, *(Node("relation", (first.args[0], part), "=") for part in rest)]


def is_declaration(node: Node) -> bool:
    r"""`k \in \mathbb{Z}`: it says what a symbol is, not what the answer is."""
    if node.kind != "relation" or node.name != "in" or node.args[0].kind != "symbol":
        return False
    return node.args[1].kind == "region" or (node.args[1].kind == "symbol" and node.args[1].name in NUMBER_SETS)


def _grouped(node: Node) -> Node:
    """`p = 5, q = 2` between semicolons is the tuple (5, 2)."""
    if node.kind == "list" and node.name == ";":
        return Node("bracket", tuple(_value(arg) for arg in node.args), "()")
    return node


def _with_signs_written_out(node: Node) -> list[Node]:
    """Both signs of a value; in a tuple each entry has its own."""
    if node.kind == "bracket":
        entries = [_with_signs_written_out(arg) for arg in node.args]
        if sum(len(entry) > 1 for entry in entries) > MOST_SIGNS or all(len(entry) == 1 for entry in entries):
            return [node]
        return [replace_args(node, choice) for choice in product(*entries)]
    if not node.holds("sign") or node.holds("relation", "list"):
        return [node]
    return [_signed(node, True), _signed(node, False)]


def _signed(node: Node, plus: bool) -> Node:
    args = tuple(_signed(arg, plus) for arg in node.args)
    if node.kind != "sign":
        return replace_args(node, args)
    return args[0] if plus == (node.name == "+-") else Node("neg", args)


def same_list(gold: list[Node], answer: list[Node], same: Same, once: bool = False) -> bool | None:
    """Whether two lists hold the same parts in any order.

    Repeated parts count once in sets (`once`) and among tuples, which are solutions; 16, 3, 1, 1 are four values.
    """
    gold, answer = _written_out(gold, answer), _written_out(answer, gold)
    if max(len(gold), len(answer)) > MOST_PARTS:
        return matched(gold, answer, same)
    if once or all(part.kind == "bracket" for part in gold + answer):
        gold, answer = _distinct(gold, same), _distinct(answer, same)
    if len(gold) != len(answer):
        return False
    return matched(gold, answer, same)


def matched(gold: list[Node], answer: list[Node], same: Same) -> bool | None:
    """Whether each part of the gold is one part of the answer. Labels count where both sides label everything."""
    if len(gold) != len(answer):
        return False
    if len(gold) > MOST_PARTS:
        return all_same(zip(map(_value, gold), map(_value, answer), strict=True), same)
    labels = _labels(gold), _labels(answer)
    if labels[0] and labels[1] and set(labels[0]) == set(labels[1]):
        return all_same(((ours, labels[1][name]) for name, ours in labels[0].items()), same)
    if set(labels[0]) & set(labels[1]) and len(labels[0]) > 1:
        return False  # a label that both use says that they mean labels
    if len(labels[0]) > 1 and not any(assignment(part) for part in answer):
        return all_same(zip(labels[0].values(), answer, strict=True), same)  # (a) 5 (b) 6 is no `6, 5`
    left, unknown = list(answer), list[Node]()
    for part in gold:
        verdict, place = _find(part, left, same)
        if verdict is False:
            return False
        if verdict:
            del left[place]
        else:
            unknown.append(part)
    if not unknown:
        return True
    # `0(1, 0), 1` and `\sin 1, 4`: nobody knows 0(1, 0), but nothing is 1, whichever of the two is the gold.
    possible = all(any(_same_part(part, other, same) is not False for part in unknown) for other in left)
    return None if possible else False


def _find(part: Node, left: list[Node], same: Same) -> tuple[bool | None, int]:
    """Whether one of `left` is `part`, and which."""
    unknown = False
    for place, other in enumerate(left):
        verdict = _same_part(part, other, same)
        if verdict:
            return True, place
        unknown = unknown or verdict is None
    return (None if unknown else False), -1


def _same_part(gold: Node, answer: Node, same: Same) -> bool | None:
    """Whether two parts are the same, perhaps apart from their names; a_1 = 1 is not a_4 = 1."""
    verdict, names = same(gold, answer), (assignment(gold), assignment(answer))
    if verdict or names == (None, None):
        return verdict
    if names[0] and names[1] and are_different_names(names[0][0], names[1][0]):
        return False
    return same(_value(gold), _value(answer))


def all_same(pairs: Iterable[tuple[Node, Node]], same: Same) -> bool | None:
    """Whether all pairs are the same; the first that differs decides."""
    unknown = False
    for ours, theirs in pairs:
        verdict = same(ours, theirs)
        if verdict is False:
            return False
        unknown = unknown or verdict is None
    return None if unknown else True


def _labels(parts: list[Node]) -> dict[Node, Node]:
    """The values by their names, if all parts have different ones."""
    named = [assignment(part) for part in parts]
    labels = {pair[0]: pair[1] for pair in named if pair is not None}
    return labels if len(labels) == len(parts) else {}


def _written_out(parts: list[Node], others: list[Node]) -> list[Node]:
    """`(f, g) = (n, 1)` as `f = n, g = 1`, where the other side has as many parts."""
    if len(parts) != 1 or len(others) < 2:
        return parts
    named = assignment(parts[0])
    if named is None or named[0].kind != "bracket" or named[1].kind != "bracket":
        return parts
    names, values = named[0].args, named[1].args
    if len(names) != len(values) or len(names) != len(others):
        return parts
    return [Node("relation", pair, "=") for pair in zip(names, values, strict=True)]


def _distinct(parts: list[Node], same: Same) -> list[Node]:
    found: list[Node] = []
    for part in dict.fromkeys(parts):  # what is written the same need not be compared with every other part
        if not any(same(part, other) for other in found):
            found.append(part)
    return found


def _value(node: Node) -> Node:
    named = assignment(node)
    return named[1] if named else node
