"""Exact values of expressions: rational arithmetic, with symbols bound to rational numbers.

Nothing here is evaluated before its size is known to be within bounds: 10^{10^{10}} and 1000000000! raise TooLarge.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from zlib import crc32

from reward.parser.nodes import Node, TooLarge

MOST_BITS = 1 << 15  # of a numerator or a denominator; 2006! has 19 300
LARGEST_FACTORIAL = 4000


class Irrational(Exception):
    """The value is no rational number, or may be none."""


class Undefined(Exception):
    """There is no value: a division by zero, the logarithm of zero."""


@dataclass(frozen=True)
class Meaning:
    """What symbols and signs stand for while an expression is evaluated.

    percent: what one percent is: 1/100, or 1 where the other side leaves the sign out.
    radians: whether a degree is π/180; otherwise it is 1, because the other side leaves the sign out.
    common_log: whether a logarithm without a base has the base 10 instead of e.
    """

    symbols: Mapping[str, Fraction] = field(default_factory=dict)
    percent: Fraction = Fraction(1, 100)
    radians: bool = True
    common_log: bool = False


def rational(node: Node, meaning: Meaning) -> Fraction:
    """The exact value of `node`.

    Raises:
        Irrational: it has none that is rational; `reward.equivalence.values` finds an approximate one.
        Undefined: it has none at all.
        TooLarge: it is beyond the bounds.
    """
    kind = node.kind
    if kind == "number":
        return node.value
    if kind == "symbol":
        return meaning.symbols[node.name]
    if kind in ("add", "mixed"):
        return _bounded(sum((rational(arg, meaning) for arg in node.args), Fraction(0)))
    if kind == "neg":
        return -rational(node.args[0], meaning)
    if kind == "mul":
        product = Fraction(1)
        for arg in node.args:
            product = _bounded(product * rational(arg, meaning))
        return product
    if kind in ("div", "ratio") and len(node.args) == 2:
        top, bottom = (rational(arg, meaning) for arg in node.args)
        if bottom == 0:
            raise Undefined("a division by zero")
        return _bounded(top / bottom)
    return _less_common(node, meaning)


def _less_common(node: Node, meaning: Meaning) -> Fraction:
    kind = node.kind
    if kind == "pow":
        return power(rational(node.args[0], meaning), rational(node.args[1], meaning))
    if kind == "percent":
        return rational(node.args[0], meaning) * meaning.percent
    if kind == "degree" and not meaning.radians:
        return rational(node.args[0], meaning)
    if kind == "abs":
        return abs(rational(node.args[0], meaning))
    if kind in ("floor", "ceil"):
        value = rational(node.args[0], meaning)
        return Fraction(math.floor(value) if kind == "floor" else math.ceil(value))
    if kind == "factorial":
        return Fraction(factorial(rational(node.args[0], meaning)))
    if kind in ("quantity", "radian"):
        return rational(node.args[0], meaning)
    if kind == "apply":
        return _of_the_problem(node.name, [rational(arg, meaning) for arg in node.args])
    if kind == "call":
        return _call(node.name, [rational(arg, meaning) for arg in node.args])
    raise Irrational(kind)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """base^exponent where that is rational and within bounds."""
    if exponent.denominator != 1:
        root = _exact_root(base, exponent.denominator)
        return power(root, Fraction(exponent.numerator))
    if base == 0 and exponent < 0:
        raise Undefined("a negative power of zero")
    if abs(base) != 1 and base and abs(exponent) * max(_bits(base), 1) > MOST_BITS:
        raise TooLarge(f"a power with the exponent {exponent.numerator if _bits(exponent) < 64 else 'of many digits'}")
    return base ** int(exponent) if abs(base) != 1 else base ** (int(exponent) % 2)


def factorial(value: Fraction) -> int:
    """n! for a small natural number."""
    if value.denominator != 1 or value < 0:
        raise Irrational("the factorial of a number that is not natural")
    if value > LARGEST_FACTORIAL:
        raise Irrational("a large factorial")
    return math.factorial(int(value))


def _double_factorial(value: Fraction) -> int:
    """10!! = 10 · 8 · 6 · 4 · 2."""
    if value.denominator != 1 or not 0 <= value <= LARGEST_FACTORIAL:
        raise Irrational("the double factorial of a number that is not natural")
    return math.prod(range(int(value), 0, -2))


def _call(name: str, values: list[Fraction]) -> Fraction:
    if name == "root" and values[1].denominator == 1 and 1 < values[1] < 1000:
        return _exact_root(values[0], int(values[1]))
    integers = [int(value) for value in values if value.denominator == 1]
    if name == "doublefactorial":
        return Fraction(_double_factorial(values[0]))
    if name == "binom" and len(integers) == 2 and 0 <= integers[1] <= integers[0] <= LARGEST_FACTORIAL:
        return Fraction(math.comb(*integers))
    if name in ("max", "min") and values:
        return max(values) if name == "max" else min(values)
    if name in ("gcd", "lcm") and len(integers) == len(values) > 0:
        return _bounded(Fraction(math.gcd(*integers) if name == "gcd" else math.lcm(*integers)))
    if name == "log" and len(values) == 2:
        return _exact_logarithm(values[0], values[1])
    raise Irrational(name)


def _exact_root(value: Fraction, degree: int) -> Fraction:
    if value < 0:
        if degree % 2 == 0 or degree > MOST_BITS:
            raise Irrational("a root of a negative number")
        return -_exact_root(-value, degree)
    if degree > 1000:
        raise Irrational("a root of a high degree")
    parts = []
    for part in (value.numerator, value.denominator):
        root = _integer_root(part, degree)
        if root**degree != part:
            raise Irrational("a root")
        parts.append(root)
    return Fraction(parts[0], parts[1])


def _integer_root(value: int, degree: int) -> int:
    """The largest integer whose power does not exceed `value` (Newton's iteration)."""
    if value < 2:
        return value
    guess = 1 << -(-value.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def _exact_logarithm(value: Fraction, base: Fraction) -> Fraction:
    """log_3 81 = 4; other logarithms are left to `reward.equivalence.values`."""
    if base.denominator != 1 or base < 2 or value <= 0 or _bits(value) > MOST_BITS // 8:
        raise Irrational("a logarithm")
    inverse = value < 1
    rest, count = (1 / value if inverse else value), 0
    while rest.denominator == 1 and rest > 1 and rest % base == 0:
        rest, count = rest / base, count + 1
    if rest != 1:
        raise Irrational("a logarithm")
    return Fraction(-count if inverse else count)


def _of_the_problem(name: str, values: list[Fraction]) -> Fraction:
    """A function nobody defined, f(x): a fixed cubic, so that only what holds for every function holds for it."""
    total = Fraction(0)
    for place, value in enumerate(values):
        for degree in range(4):
            coefficient = crc32(f"{name}/{len(values)}/{place}/{degree}".encode()) % 9973 + 17
            total += Fraction(coefficient, 7919) * power(value, Fraction(degree))
    return _bounded(total)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) - 1


def _bounded(value: Fraction) -> Fraction:
    if _bits(value) > MOST_BITS:
        raise TooLarge("a number of many digits")
    return value
