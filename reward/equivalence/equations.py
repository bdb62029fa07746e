"""Whether two equations, or two inequalities, say the same.

L = R and L' = R' do if L − R is a constant multiple of L' − R', or if both are linear in a symbol, have the same
solution for it, and no factor more: 2x + 4y − 3 = 0 and y = −x/2 + 3/4, but not x(y − 2x − 1) = 0 and y = 2x + 1.
"""

from fractions import Fraction

from reward.equivalence.approximate import approximate
from reward.equivalence.exact import Irrational, Meaning, Undefined
from reward.equivalence.names import difference, product, substitute
from reward.equivalence.values import real_points, same_value
from reward.parser.nodes import Node, TooLarge, number

ZERO = number(0)
FLIPPED = {"<": ">", ">": "<", "le": "ge", "ge": "le", "ne": "ne", "=": "="}


def same_equation(gold: Node, answer: Node) -> bool | None:
    """Whether two equations with two sides each have the same solutions; None if that cannot be told."""
    if len(gold.args) != 2 or len(answer.args) != 2 or not all(side.is_scalar for side in gold.args + answer.args):
        return None
    if _both_have_units(gold, answer):
        return None
    if gold.symbols != answer.symbols or not gold.symbols:
        return False if gold.symbols or answer.symbols else None
    ours, theirs = difference(*gold.args), difference(*answer.args)
    if same_value(ours, ZERO) or same_value(theirs, ZERO):
        return False  # one identity says nothing about another one
    if _are_proportional(ours, theirs):
        return True
    for symbol in sorted(gold.symbols):
        solutions = solution(ours, symbol), solution(theirs, symbol)
        if all(solutions):
            alone = not (_has_factor(ours, symbol) or _has_factor(theirs, symbol))
            return alone and same_value(*solutions)  # type: ignore[arg-type]
    return False


def _both_have_units(gold: Node, answer: Node) -> bool:
    r"""Evaluating leaves units out, so nothing here may judge `V = 5 \text{ cm}^4` beside `V = 5 \text{ cm}^3`."""
    return gold.holds("quantity") and answer.holds("quantity")


def _has_factor(zero: Node, symbol: str) -> bool:
    """Whether an expression that is linear in `symbol` vanishes where its slope does, whatever `symbol` is.

    (x − 1)(y − 7) does at x = 1; xy − 1 does not at x = 0. A slope that is not linear in a symbol of its own counts as
    such a factor: nobody knows.
    """
    at_zero, at_one = (substitute(zero, symbol, number(value)) for value in (0, 1))
    slope = difference(at_one, at_zero)
    if same_value(slope, _at_ones(slope)):
        return False
    for other in sorted(slope.symbols):
        root = solution(slope, other, of_slope=True)
        if root is not None:
            return same_value(substitute(at_zero, other, root), ZERO) is not False
    return True


def _at_ones(node: Node) -> Node:
    """An expression at one point: itself, if it is constant."""
    for name in node.symbols:
        node = substitute(node, name, number(Fraction(7, 5)))
    return node


def solves(gold: Node, answer: Node) -> bool | None:
    """Whether `answer` is the gold equation solved for a symbol it lacks: −4x² + 4x − 2 for y + 1 = −(2x − 1)²."""
    if len(gold.args) != 2 or not all(side.is_scalar for side in gold.args) or not answer.symbols:
        return None
    for symbol in sorted(gold.symbols - answer.symbols):
        solved = solution(difference(*gold.args), symbol)
        if solved is not None and same_value(solved, answer):
            return True
    return False


def value_stated(equation: Node) -> Node | None:
    """What an equation with a number on its right states: 7 of a + b = 7, but 3 of 2x = 6, which determines x.

    None for what is not linear in its one symbol: what it states is not known.
    """
    symbols = sorted(equation.symbols)
    if len(symbols) > 1 or not all(side.is_scalar for side in equation.args):
        return equation.args[-1]
    left = equation.args[0]
    if left.kind in ("apply", "call", "symbol", "abs", "factorial"):
        return equation.args[-1]
    return solution(difference(left, equation.args[-1]), symbols[0])


def solution(zero: Node, symbol: str, of_slope: bool = False) -> Node | None:
    """The root of an expression that is linear in `symbol`, as an expression.

    None if it is not linear, and if the root is 0 because the symbol is a factor: that says nothing about the rest,
    unless the roots of a slope are asked for.
    """
    variable = Node("symbol", name=symbol)
    at_zero, at_one = (substitute(zero, symbol, number(value)) for value in (0, 1))
    slope = difference(at_one, at_zero)
    line = Node("add", (at_zero, product(slope, variable)))
    if not same_value(zero, line) or same_value(slope, ZERO) is not False:
        return None
    if not of_slope and same_value(at_zero, ZERO) and zero.symbols != {symbol}:
        return None
    return Node("neg", (Node("div", (at_zero, slope)),))


def same_inequality(gold: Node, answer: Node) -> bool | None:
    """Whether two inequalities hold for the same values of their symbols, as far as one is a multiple of the other."""
    signs = gold.name, answer.name
    if any(sign not in FLIPPED for sign in signs) or not all(side.is_scalar for side in gold.args + answer.args):
        return None
    if _both_have_units(gold, answer):
        return None
    ours, theirs = difference(*gold.args), difference(*answer.args)
    if gold.symbols != answer.symbols or not gold.symbols or not _are_proportional(ours, theirs):
        return None if gold.symbols == answer.symbols else False
    factor = _sign_of_ratio(ours, theirs)
    if factor == 0:
        return None
    return signs[0] == (signs[1] if factor > 0 else FLIPPED[signs[1]])


def _are_proportional(ours: Node, theirs: Node) -> bool | None:
    """D(x)·D'(x') = D'(x)·D(x') for all x and x', which is what a constant ratio D : D' means."""
    there, here = theirs, ours
    for symbol in sorted(ours.symbols | theirs.symbols):
        elsewhere = Node("symbol", name=f"{symbol}'elsewhere")
        there, here = substitute(there, symbol, elsewhere), substitute(here, symbol, elsewhere)
    return same_value(product(ours, there), product(theirs, here))


def _sign_of_ratio(ours: Node, theirs: Node) -> int:
    for point in real_points(sorted(ours.symbols)):
        try:
            values = [approximate(node, Meaning(symbols=point), 50) for node in (ours, theirs)]
        except (Irrational, Undefined, TooLarge):
            continue
        if all(value.imag == 0 and value != 0 for value in values):
            return 1 if (values[0].real > 0) == (values[1].real > 0) else -1
    return 0
