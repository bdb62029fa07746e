r"""Whether two expressions always have the same value.

Without symbols both are evaluated: exactly where they are rational, else to 50 and then 250 digits. With symbols they
are evaluated at several points, and equal if they agree at every one where both are defined (a form of the
Schwartz-Zippel test): math-verify's simplification misses √(1/n) = 1/√n and 2·arcsin √a = arccos(1 − 2a).
Symbols are positive, as problems mean them, unless a side takes an absolute value or a maximum; where factorials,
floors or powers of negative numbers ask for it, they are natural numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from zlib import crc32

from reward.equivalence.approximate import approximate, context, largest_exponent
from reward.equivalence.exact import Irrational, Meaning, Undefined, rational
from reward.parser.nodes import Node, TooLarge
from reward.parser.numbers import Written, written

FEW = 50  # digits
MANY = {250: 2000, 1000: 1000, 4000: 60, 16000: 8}  # digits, and how many roots and functions take a second to so many
context(FEW)  # the first takes a tenth of a second: now, not within the first deadline
CONTINUOUS_POINTS = 4
FAR_POINTS = 2
INTEGER_POINTS = 10
DISCRETE = ("factorial", "floor", "ceil")
Point = dict[str, Fraction]  # a value of each symbol


def same_value(gold: Node, answer: Node) -> bool | None:
    r"""Whether two scalar expressions are equal, or the answer rounds to the gold (see `reward.parser.numbers`).

    None if that cannot be told. A sign that only one side has may stand for nothing: 28\% for 28 and for 0.28,
    90^\circ for 90 and for π/2.
    """
    verdict: bool | None = None
    for meaning in _meanings(gold, answer):
        verdict = _same_under(gold, answer, meaning)
        if verdict:
            return True
    return verdict


def closed_value(node: Node, digits: int = FEW) -> object:
    """The value of an expression without symbols as an mpmath number; raises as `approximate` does."""
    return approximate(node, Meaning(), digits)


def _meanings(gold: Node, answer: Node) -> list[Meaning]:
    meanings = [Meaning()]
    if gold.holds("percent") != answer.holds("percent"):
        meanings.append(Meaning(percent=Fraction(1)))
    if gold.holds("degree") != answer.holds("degree") and not (gold.holds("radian") or answer.holds("radian")):
        meanings += [replace(meaning, radians=False) for meaning in meanings]
    if gold.symbols == answer.symbols and _has_plain_log(gold) != _has_plain_log(answer):
        meanings.append(Meaning(common_log=True))  # \log 2 for \log_{10} 2
    return meanings


def _has_plain_log(node: Node) -> bool:
    return any(part.kind == "call" and part.name == "log" and len(part.args) == 1 for part in node.walk())


def _same_under(gold: Node, answer: Node, meaning: Meaning) -> bool | None:
    infinite = _infinity(gold), _infinity(answer)
    if any(infinite):
        return infinite[0] == infinite[1]
    symbols = sorted(gold.symbols | answer.symbols)
    if symbols:
        return _same_at_points(gold, answer, meaning, symbols)
    return _same_closed(gold, answer, meaning)


def _infinity(node: Node) -> int:
    """+1 or -1 for an infinity, 0 for anything else."""
    if node.kind == "neg":
        return -_infinity(node.args[0])
    return 1 if node.kind == "constant" and node.name == "infinity" else 0


def _same_closed(gold: Node, answer: Node, meaning: Meaning) -> bool | None:
    try:
        values = rational(gold, meaning), rational(answer, meaning)
    except (Irrational, TooLarge):
        pass
    except Undefined:
        return False
    else:
        return values[0] == values[1] or _rounds(gold, answer, *values, meaning)
    try:
        if _same_approximately(gold, answer, meaning):
            return True
        return _rounds_approximately(gold, answer, meaning)
    except (Irrational, TooLarge):
        return None
    except Undefined:
        return False


def _same_approximately(gold: Node, answer: Node, meaning: Meaning) -> bool:
    """Equal to many digits, or different by nothing but the error of the arithmetic, which shrinks with more digits.

    How many depends on the sizes of the numbers: √(4^2012 + 1) and √(4^2012 + 4) agree in 1211 digits.
    Raises TooLarge where that would be too many.
    """
    first = approximate(gold, meaning, FEW)
    exponent = largest_exponent(FEW)
    second = approximate(answer, meaning, FEW)
    exponent = max(exponent, largest_exponent(FEW))
    difference, size = abs(first - second), max(abs(first), abs(second))
    if difference > size * context(FEW).mpf(10) ** -10 and size > context(FEW).mpf(10) ** -25:
        return False
    functions = sum(node.kind in ("call", "pow") for side in (gold, answer) for node in side.walk())
    digits = next((digits for digits, most in MANY.items() if digits >= 250 + exponent and functions <= most), None)
    if digits is None:
        raise TooLarge("numbers of many digits")
    ctx = context(digits)
    first, second = (approximate(node, meaning, digits) for node in (gold, answer))
    if max(ctx.mag(first), ctx.mag(second)) > exponent + FEW:
        raise Undefined("a pole: the cotangent of π is larger the more digits π has")
    finer, tiny = abs(first - second), ctx.mpf(10) ** -(digits // 2)
    error = ctx.mpf(difference) or ctx.mpf(10) ** -FEW  # rounding may have made it nothing at all
    return bool(finer <= tiny * max(abs(first), abs(second)) or finer <= tiny * error)


def _rounds(gold: Node, answer: Node, gold_value: Fraction, answer_value: Fraction, meaning: Meaning) -> bool:
    scale = meaning.percent * 100
    measured, given = written(gold), written(answer)
    if measured is not None and measured.is_measured:
        measured = _rescaled(measured, gold, scale)
        if abs(answer_value - measured.value) * 2 <= measured.unit:
            return True
    if given is not None and given.is_long:
        given = _rescaled(given, answer, scale)
        return abs(gold_value - given.value) * 2 <= given.unit
    return False


def _rescaled(number: Written, node: Node, scale: Fraction) -> Written:
    return number.scaled(scale) if node.holds("percent") else number


def _rounds_approximately(gold: Node, answer: Node, meaning: Meaning) -> bool:
    if written(gold) is None and written(answer) is None:
        return False
    ctx = context(FEW)
    values = [approximate(node, meaning, FEW) for node in (gold, answer)]
    if any(ctx.im(value) != 0 for value in values):
        return False
    exact = [_as_fraction(value) for value in values]
    if exact[0] is None or exact[1] is None:
        return False
    return _rounds(gold, answer, exact[0], exact[1], meaning)


def _as_fraction(value: object) -> Fraction | None:
    ctx = context(FEW)
    real = ctx.re(value)
    if real == 0:
        return Fraction(0)
    if abs(ctx.mag(real)) > 20_000:
        return None
    sign, mantissa, exponent, _ = real._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _same_at_points(gold: Node, answer: Node, meaning: Meaning, symbols: list[str]) -> bool | None:
    discrete = any(
        node.kind in DISCRETE or (node.kind == "call" and node.name in ("binom", "gcd", "lcm", "doublefactorial"))
        for side in (gold, answer)
        for node in side.walk()
    )
    if any(_rounds_integers(side) for side in (gold, answer)):
        discrete = False
    reals = [real_points(symbols)]
    if _has_kinks(gold) or _has_kinks(answer):  # |x - 9| is 9 - x below 9 only
        reals.append(_far_points(symbols))
    if _depends_on_signs(gold) or _depends_on_signs(answer):  # |x + 1| is x + 1 for positive x only
        reals += [_signed_points(symbols, draw) for draw in range(3)]
    families = [_integer_points(symbols)] if discrete else [chain(*reals), _integer_points(symbols)]
    for points in families:
        telling = _telling(gold, answer, meaning, points) if discrete else points
        verdicts = [verdict for verdict in _at_each(gold, answer, meaning, telling) if verdict is not None]
        if False in verdicts:
            return False
        if len(verdicts) >= 2:
            return True
    return None


def _telling(gold: Node, answer: Node, meaning: Meaning, points: Iterable[Point]) -> Iterator[Point]:
    """The points where not both vanish: C(n, k + 8) and C(n, k + 9) are both 0 for every small n."""
    for point in points:
        bound = replace(meaning, symbols=point)
        if not (gold.symbols and answer.symbols and _vanishes(gold, bound) and _vanishes(answer, bound)):
            yield point


def _vanishes(node: Node, meaning: Meaning) -> bool:
    try:
        return bool(approximate(node, meaning, FEW) == 0)
    except (Irrational, Undefined, TooLarge):
        return False


def _rounds_integers(node: Node) -> bool:
    """Whether its floors change nothing where its symbols are integers, as in ⌊x⌋ and ⌊2x + 1⌋: then they are not."""
    rounded = [part.args[0] for part in node.walk() if part.kind in ("floor", "ceil") and part.symbols]
    return bool(rounded) and not any(
        part.kind not in ("add", "mul", "neg", "symbol", "number") or part.value.denominator != 1
        for inner in rounded
        for part in inner.walk()
    )


def _has_kinks(node: Node) -> bool:
    """Whether what it says of small symbols may not hold for large ones: absolute values, √((x − 9)²), maxima."""
    return node.holds("abs") or any(
        part.kind == "call" and part.name in ("root", "max", "min") and part.symbols for part in node.walk()
    )


def _depends_on_signs(node: Node) -> bool:
    return node.holds("abs") or any(part.kind == "call" and part.name in ("max", "min") for part in node.walk())


def _at_each(gold: Node, answer: Node, meaning: Meaning, points: Iterable[Point]) -> Iterator[bool | None]:
    """Whether the two agree at each point, None where that cannot be told; stops at a difference."""
    for point in points:
        bound = replace(meaning, symbols=point)
        try:
            verdict: bool | None = rational(gold, bound) == rational(answer, bound)
        except Undefined:
            verdict = None
        except (Irrational, TooLarge):
            verdict = _approximate_verdict(gold, answer, bound)
        yield verdict
        if verdict is False:
            return


def _approximate_verdict(gold: Node, answer: Node, bound: Meaning) -> bool | None:
    r"""None where a side is undefined or not real; but \log|x| has values that \log x has not."""
    try:
        are_real = [_is_real(side, bound) for side in (gold, answer)]
        if all(are_real):
            return _same_approximately(gold, answer, bound)
        return False if any(are_real) and (_depends_on_signs(gold) or _depends_on_signs(answer)) else None
    except (Irrational, Undefined, TooLarge):
        return None


def _is_real(node: Node, bound: Meaning) -> bool:
    """Whether it has a real value; where i stands in it, any value will do."""
    value = approximate(node, bound, FEW)
    return bool(context(FEW).im(value) == 0) or any(part.name == "i" for part in node.walk())


def _draw(name: str, draw: int) -> int:
    return crc32(f"{name}#{draw}".encode())


def real_points(symbols: list[str]) -> Iterator[Point]:
    """Between 0 and 1 (where arcsin lives) and beyond 1 (where arcosh does), in turn."""
    for draw in range(CONTINUOUS_POINTS):
        low = draw % 2
        yield {
            name: Fraction(1000 + _draw(name, draw) % 8000, 10007)
            if not low
            else 1 + Fraction(_draw(name, draw) % 50021, 10007)
            for name in symbols
        }


def _far_points(symbols: list[str]) -> Iterator[Point]:
    """From 10 to 100: of larger ones (ab)^a takes thousands of digits."""
    for draw in range(CONTINUOUS_POINTS, CONTINUOUS_POINTS + FAR_POINTS):
        yield {name: 10 + Fraction(_draw(name, draw) % 900_000, 10007) for name in symbols}


def _signed_points(symbols: list[str], draw: int) -> Iterator[Point]:
    """All symbols negative, or some of them."""
    for point in real_points(symbols):
        yield {name: -value if draw == 0 or _draw(name, draw) % 2 else value for name, value in point.items()}


def _integer_points(symbols: list[str]) -> Iterator[Point]:
    for draw in range(INTEGER_POINTS):
        yield {name: Fraction(2 + _draw(name, draw) % (4 + draw)) for name in symbols}
