"""Approximate values of expressions, to any number of digits, with bounds on time and size (mpmath).

Only what `reward.equivalence.exact` cannot do comes here: roots, trigonometry, π, complex numbers.
"""

import math
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath

from reward.equivalence.exact import LARGEST_FACTORIAL, Irrational, Meaning, Undefined, rational
from reward.parser.nodes import Node, TooLarge
from reward.parser.vocabulary import word_set

LARGEST_EXPONENT = 10**12
LARGEST_ANGLE_BITS = 2000  # the bits of an angle; sine needs as many more of π
LARGEST_GAMMA = 10**12
MOST_GAMMA_DIGITS = 250  # (1/3)! takes 15 s to 4000 digits
MOST_DERIVED_BITS = 10**14
SINGLE = {
    **{name: name for name in word_set("sin cos tan cot sec csc sinh cosh tanh coth exp")},
    **{"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "arcsec": "asec", "arccsc": "acsc"},
}
ANGLES = word_set("sin cos tan cot sec csc")
EXPONENTIALS = word_set("exp sinh cosh tanh coth")
_local = threading.local()  # an mpmath context is not safe to share between threads


def context(digits: int) -> Any:
    """The mpmath context of this thread for so many digits."""
    contexts: dict[int, Any] = _local.__dict__.setdefault("contexts", {})
    if digits not in contexts:
        contexts[digits] = mpmath.MPContext()
        contexts[digits].dps = digits
    return contexts[digits]


def approximate(node: Node, meaning: Meaning, digits: int) -> Any:
    """The value of `node`, real or complex, computed with so many digits.

    `largest_exponent` then tells the size of the numbers that were met on the way.

    Raises:
        Irrational: it has no value that is known here.
        Undefined: it has none at all.
        TooLarge: it is beyond the bounds.
    """
    ctx = context(digits)
    ctx.largest_exponent = 0
    try:
        return _value(node, meaning, ctx)
    except (ZeroDivisionError, ValueError) as error:  # how mpmath tells poles
        raise Undefined(str(error)) from error
    except (OverflowError, MemoryError, mpmath.libmp.NoConvergence) as error:
        raise TooLarge(str(error)) from error


def _value(node: Node, meaning: Meaning, ctx: Any) -> Any:
    kind = node.kind
    if kind == "constant":
        return _constant(node.name, ctx)
    values = [_value(arg, meaning, ctx) for arg in node.args]
    if kind in RULES:
        return _bounded(RULES[kind](node, values, meaning, ctx), ctx)
    # A number or a symbol; Irrational for what has no value.
    return _bounded(to_real(rational(node, meaning), ctx), ctx)


def to_real(value: Fraction, ctx: Any) -> Any:
    """A fraction as a real number of the context."""
    return ctx.mpf(value.numerator) / value.denominator


def largest_exponent(digits: int) -> int:
    """The largest binary exponent, up or down, that the last evaluation with so many digits met."""
    return int(context(digits).largest_exponent)


def _constant(name: str, ctx: Any) -> Any:
    if name == "infinity":
        raise Irrational("infinity is no number")
    return {"pi": +ctx.pi, "e": +ctx.e, "i": ctx.j}[name]


def _product(node: Node, values: list[Any], meaning: Meaning, ctx: Any) -> Any:
    product = ctx.one
    for value in values:
        product *= value
    return product


def _quotient(node: Node, values: list[Any], meaning: Meaning, ctx: Any) -> Any:
    if len(values) != 2:
        raise Irrational("a ratio of three")
    return values[0] / values[1]


def _power(base: Any, exponent: Any, ctx: Any) -> Any:
    if abs(exponent) > LARGEST_EXPONENT:
        raise TooLarge("a power")
    if base == 0 and ctx.re(exponent) < 0:
        raise Undefined("a negative power of zero")
    return base**exponent


def _call(node: Node, values: list[Any], meaning: Meaning, ctx: Any) -> Any:
    name, value = node.name, values[0]
    if name in ANGLES and ctx.mag(value) > LARGEST_ANGLE_BITS:
        raise TooLarge("an angle")
    if name in EXPONENTIALS and abs(value) > LARGEST_EXPONENT:
        raise TooLarge("an exponential")
    if name in SINGLE and len(values) == 1:
        return getattr(ctx, SINGLE[name])(value)
    if name == "root" and len(values) == 2:
        return _root(value, values[1], ctx)
    if name in ("log", "ln", "log10"):
        return _logarithm("log10" if name == "log" and meaning.common_log else name, values, ctx)
    if name == "binom" and len(values) == 2 and max(map(abs, values)) < LARGEST_GAMMA:
        return _binomial(values[0], values[1], ctx)
    if name in ("max", "min") and all(ctx.im(one) == 0 for one in values):
        return max(values) if name == "max" else min(values)
    raise Irrational(name)


def _root(value: Any, degree: Any, ctx: Any) -> Any:
    """The real root of a negative number where there is one: the cube root of -8 is -2."""
    if degree == 2:
        return ctx.sqrt(value)
    odd = ctx.isint(degree) and abs(degree) < LARGEST_ANGLE_BITS and int(ctx.re(degree)) % 2 == 1
    if odd and ctx.im(value) == 0 and ctx.re(value) < 0:
        return -_power(-value, 1 / degree, ctx)
    return _power(value, 1 / degree, ctx)  # of the degree 1/100000! it is a power beyond the bounds


def _logarithm(name: str, values: list[Any], ctx: Any) -> Any:
    if any(value == 0 for value in values):
        raise Undefined("the logarithm of zero")
    if name == "log10" and len(values) == 1:
        return ctx.log(values[0]) / ctx.log(10)
    return ctx.log(values[0]) / ctx.log(values[1]) if len(values) == 2 else ctx.log(values[0])


def _gamma(node: Node, values: list[Any], meaning: Meaning, ctx: Any) -> Any:
    if (natural := _natural(values[0], ctx)) is not None:
        return ctx.mpf(math.factorial(natural))
    if abs(values[0]) > LARGEST_GAMMA or ctx.dps > MOST_GAMMA_DIGITS:
        raise TooLarge("a factorial")
    return ctx.gamma(values[0] + 1)


def _binomial(top: Any, bottom: Any, ctx: Any) -> Any:
    naturals = _natural(top, ctx), _natural(bottom, ctx)
    if naturals[0] is not None and naturals[1] is not None:
        return ctx.mpf(math.comb(naturals[0], naturals[1]))
    if ctx.dps > MOST_GAMMA_DIGITS:
        raise TooLarge("a binomial coefficient")
    return ctx.binomial(top, bottom)


def _natural(value: Any, ctx: Any) -> int | None:
    """A natural number whose factorial is within bounds."""
    return int(ctx.re(value)) if ctx.isint(value) and 0 <= ctx.re(value) <= LARGEST_FACTORIAL else None


def _rounded(node: Node, values: list[Any], meaning: Meaning, ctx: Any) -> Any:
    """Floor and ceiling; what differs from an integer by the last digits only is that integer."""
    value = values[0]
    if ctx.im(value) != 0 or ctx.mag(value) > LARGEST_ANGLE_BITS:
        raise Irrational("the integer part of such a number")
    nearest = ctx.nint(value)
    if abs(value - nearest) < ctx.mpf(10) ** (15 - ctx.dps):
        return nearest
    return ctx.floor(value) if node.kind == "floor" else ctx.ceil(value)


def _applied(node: Node, values: list[Any], meaning: Meaning, ctx: Any) -> Any:
    """A function of the problem, as in `reward.equivalence.exact`, of an irrational value."""
    total = ctx.zero
    for place, value in enumerate(values):
        total += (len(node.name) + place + 2) * value**3 / 7 + sum(map(ord, node.name)) * value / 11
    return total + 1


def _bounded(value: Any, ctx: Any) -> Any:
    if not (ctx.isfinite(value) if not isinstance(value, ctx.mpc) else ctx.isfinite(value.real + value.imag)):
        raise Undefined("no finite value")
    if value != 0:
        ctx.largest_exponent = max(ctx.largest_exponent, abs(ctx.mag(value)))
        if ctx.largest_exponent > MOST_DERIVED_BITS:
            raise TooLarge("a number of many digits")
    return value


Rule = Callable[[Node, list[Any], Meaning, Any], Any]
RULES: dict[str, Rule] = {
    "add": lambda node, values, meaning, ctx: sum(values, ctx.zero),
    "neg": lambda node, values, meaning, ctx: -values[0],
    "mul": _product,
    "div": _quotient,
    "ratio": _quotient,
    "pow": lambda node, values, meaning, ctx: _power(values[0], values[1], ctx),
    "abs": lambda node, values, meaning, ctx: abs(values[0]),
    "percent": lambda node, values, meaning, ctx: values[0] * to_real(meaning.percent, ctx),
    "degree": lambda node, values, meaning, ctx: values[0] * (ctx.pi / 180 if meaning.radians else 1),
    "quantity": lambda node, values, meaning, ctx: values[0],
    "radian": lambda node, values, meaning, ctx: values[0],
    "mixed": lambda node, values, meaning, ctx: sum(values, ctx.zero),
    "factorial": _gamma,
    "floor": _rounded,
    "ceil": _rounded,
    "call": _call,
    "apply": _applied,
}
