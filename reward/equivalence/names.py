"""What an answer calls its value: the x of `x = 7`, the f(n) of `f(n) = n^2`, the AB of `AB = 4`."""

import re

from reward.parser.nodes import Node, replace_args
from reward.parser.vocabulary import GREEK, word_set

DIGITS = re.compile(r"\d+(?:\.\d+)?")
DERIVATIVE = re.compile(r"^d.*/d")

EQUALS = frozenset(("=", "equiv", "approx"))
FUNCTIONS_OF_NAMES = word_set("sin cos tan cot sec csc log ln log10 arcsin arccos arctan max min")


def is_name(node: Node) -> bool:
    """Whether a node only names a quantity. `a + b` and `2x` do not: they are part of an equation."""
    if node.kind in ("symbol", "apply") or (node.kind == "constant" and node.name in ("e", "i")):
        return True
    if node.kind in ("abs", "div"):  # |a - b|, (x + y)/z: nobody writes an equation with nothing else on its left
        return bool(node.symbols)
    if node.kind in ("ratio", "bracket", "quantity", "degree"):
        return all(is_name(arg) for arg in node.args) and bool(node.args)
    if node.kind == "call":
        return node.name in FUNCTIONS_OF_NAMES and bool(node.symbols)
    if node.kind == "mul":  # AB, S_{ABC}: points and figures have capital letters
        return all(arg.kind == "symbol" and arg.name[:1].isupper() for arg in node.args)
    return False


def is_equation(node: Node) -> bool:
    """Whether it is a relation with equals signs only."""
    return node.kind == "relation" and set(node.name.split()) <= EQUALS


def assignment(node: Node) -> tuple[Node, Node] | None:
    r"""Name and value of `x = 7`, `7 = x`, `x = 5 + 2 = 7`, `x = 22/7 \approx 3.14` (the exact one) and `x \in S`."""
    if node.kind != "relation":
        return None
    signs, sides = node.name.split(), node.args
    if signs == ["in"] and is_name(sides[0]):
        return sides[0], sides[1]
    if not set(signs) <= EQUALS:
        return None
    exact = before_approximation(node)
    if is_name(sides[0]) and len(exact) > 1:
        return sides[0], exact[-1]
    if len(sides) == 2 and is_name(sides[1]):
        return sides[1], sides[0]
    return None


def before_approximation(relation: Node) -> tuple[Node, ...]:
    r"""The sides up to the first \approx; if only a name stands before it, the approximation is all there is.

    A unit that stands behind the approximation alone is that of the exact value, too: 40/3 \approx 13.33 hours.
    """
    sides, signs = relation.args, relation.name.split()
    if "approx" not in signs:
        return sides
    place = signs.index("approx")
    if not place and is_name(sides[0]):
        return sides[:2]
    *before, exact = sides[: place + 1]
    if sides[-1].kind == "quantity" and exact.is_scalar and not exact.holds("quantity"):
        exact = Node("quantity", (exact,), sides[-1].name)
    return (*before, exact)


def without_approximation(node: Node) -> Node:
    r"""`\frac{1 + \sqrt{97}}{8} \approx 1.36` without its second half."""
    if node.kind != "relation" or "approx" not in node.name.split() or is_name(node.args[0]):
        return node
    if node.args[0].kind == "constant":  # \\pi \\approx 3.16 is about the approximation
        return node
    sides = before_approximation(node)
    return sides[0] if len(sides) == 1 else Node("relation", sides, " ".join(node.name.split()[: len(sides) - 1]))


def substitute(node: Node, name: str, by: Node) -> Node:
    """The same tree with a symbol replaced."""
    if node.kind == "symbol":
        return by if node.name == name else node
    if not node.args:
        return node
    return replace_args(node, tuple(substitute(arg, name, by) for arg in node.args))


def with_same_variables(gold: Node, answer: tuple[Node, Node]) -> tuple[Node, Node]:
    """Name and value of the answer's f(z) = z, rewritten with the variables of the gold's f(x)."""
    name, value = answer
    if gold.kind == name.kind == "apply" and len(gold.args) == len(name.args):
        for ours, theirs in zip(gold.args, name.args, strict=True):
            if ours.kind == theirs.kind == "symbol" and not (
                ours.name.isupper() and theirs.name.isupper()
            ):  # E(X), E(Y)
                name, value = substitute(name, theirs.name, ours), substitute(value, theirs.name, ours)
    return name, value


def are_different_names(gold: Node, answer: Node) -> bool:
    """Whether the two names stand for different things: x and y, a_3 and a_8, f(1) and f(2), f and f', x and |x|.

    One thing may be spelled differently (M, M_max; AB, |AB|; f(x), y; A, area), but not if both say more than a letter:
    M_max and M_min, AB and AC, ∠A and ∠B, mean and median.
    """
    if gold == answer:
        return False
    if _primes(gold) != _primes(answer):
        return True
    if {gold.kind, answer.kind} <= {"symbol", "constant"}:
        return _are_different_symbols(gold.name, answer.name)
    if _is_length(gold) and _is_length(answer):
        return _points(gold) != _points(answer)
    if gold.symbols & answer.symbols or (gold.kind == answer.kind == "apply" and gold.name == answer.name):
        return True
    spelled = _spelled(gold), _spelled(answer)
    without_digits = [DIGITS.sub("#", name) for name in spelled]
    return spelled[0] != spelled[1] and without_digits[0] == without_digits[1]


def _are_different_symbols(one: str, other: str) -> bool:
    if "(" in one and "(" in other:  # P(X > 6) and P(X < 6)
        return True
    if DERIVATIVE.search(one) or DERIVATIVE.search(other):  # dy/dx and y
        return True
    (mark, one), (other_mark, other) = _without_mark(one), _without_mark(other)
    if mark != other_mark:  # the mean of x is not x
        return True
    figures = one.partition(" "), other.partition(" ")
    if figures[0][1] and figures[1][1]:  # ∠ABC is ∠CBA and ∠B
        return figures[0][0] != figures[1][0] or not _are_same_corners(figures[0][2], figures[1][2])
    (base, _, index), (other_base, _, other_index) = one.partition("_"), other.partition("_")
    if index and other_index:
        return base != other_base or _index(index) != _index(other_index)
    if _is_letter(base) and _is_letter(other_base):  # M may be f_max
        may_be_one = (base.isupper() and other_index) or (other_base.isupper() and index)
        return base != other_base and not may_be_one
    words = set(base.lower().split("-")), set(other_base.lower().split("-"))
    return not (index or other_index or _is_letter(base) or _is_letter(other_base)) and not (
        words[0] <= words[1] or words[1] <= words[0]
    )


def _without_mark(name: str) -> tuple[str, str]:
    """The bar of `bar:x`, and x; what is drawn over vectors and segments says nothing."""
    mark, _, rest = name.rpartition(":")
    return ("" if mark in ("vec", "overline") else mark), rest


def _are_same_corners(one: str, other: str) -> bool:
    if len(one) == len(other):
        return _either_way(one) == _either_way(other)
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return len(shorter) == 1 and len(longer) == 3 and longer[1] == shorter


def _either_way(letters: str) -> str:
    return min(letters, letters[::-1])


def _index(index: str) -> str:
    """ABC of S_{ABC} and S_{\\triangle BCA}, max of M_{Max}."""
    corners = index.replace("triangle", "").replace(" ", "")
    return "".join(sorted(corners)) if corners.isupper() else index.lower()


def _points(length: Node) -> list[str]:
    """A and B of AB, |BA| and of the segment."""
    symbols = [node.name for node in length.walk() if node.kind == "symbol"]
    return sorted(symbols if len(symbols) > 1 else _without_mark(symbols[0])[1])


def _primes(node: Node) -> int:
    return sum(part.name.count("'") for part in node.walk())


def _is_letter(name: str) -> bool:
    return len(name) == 1 or (name in GREEK and name.islower())


def _is_length(node: Node) -> bool:
    """AB, |AB|, |PQ|: a distance, whatever stands around it."""
    inner = node.args[0] if node.kind == "abs" else node
    return inner.kind in ("mul", "symbol") and all(_without_mark(name)[1][:1].isupper() for name in inner.symbols)


def _spelled(node: Node) -> str:
    return f"{node.kind}:{node.name}({','.join(map(_spelled, node.args))})"


def rename_parameter(gold: Node, answer: Node, integers: frozenset[str]) -> Node | None:
    r"""The answer with its integer parameter called as in the gold: `n\pi` for `k\pi`; None where there is none.

    A letter is such a parameter if one of the texts says so (k ∈ ℤ, "for some integer t") or if it counts
    multiples of π; the n of `2n` is given by the problem and may not be renamed. The constants of integration C_1 and
    c_1 are the same; R and r are two radii.
    """
    given = answer
    for name in sorted(answer.symbols - gold.symbols):
        is_constant = len(name) > 1 or len(answer.symbols) > 1  # of integration, beside what is integrated over
        if name[:1] in ("c", "C") and is_constant and name.swapcase() in gold.symbols - answer.symbols:
            answer = substitute(answer, name, Node("symbol", name=name.swapcase()))
    if gold.symbols == answer.symbols:
        return None if answer is given else answer
    ours, theirs = gold.symbols - answer.symbols, answer.symbols - gold.symbols
    if len(ours) != 1 or len(theirs) != 1:
        return None
    (mine,), (other,) = ours, theirs
    if gold.kind == "symbol" and mine not in integers:  # `k, k \in \mathbb{Z}` is not the option A
        return None
    counts_turns = all(
        name in ("k", "n", "m", "l", "t") and any(node.name == "pi" for node in side.walk())
        for name, side in ((mine, gold), (other, answer))
    )
    if not (counts_turns or {mine, other} & integers):
        return None
    return substitute(answer, other, Node("symbol", name=mine))


def difference(left: Node, right: Node) -> Node:
    """left − right."""
    return Node("add", (left, Node("neg", (right,))))


def product(*factors: Node) -> Node:
    """The product of some nodes."""
    return Node("mul", factors)
