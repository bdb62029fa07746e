r"""Numbers as they are written: exact values, and how many digits of them were meant.

Everything is a Fraction; a float would make 4e-7 and 1e-7 the same after six decimals, as math-verify does.

Rounding. Two numbers that differ are equal only where the one with fewer digits is itself a rounded number:

1. The gold is a rounded measurement: a decimal with at least three significant digits, or two in scientific notation
   (Minerva's golds: 30.52, 2.19e6, 7.5e7). An answer that rounds to it is right: 1587/52 for 30.52, 27/59 for 0.458.
   So 0.33 is no 1/3, and 0.5 means one half.
2. The answer is a decimal with at least six significant digits, and the gold rounds to it: 0.333333 for 1/3,
   4.123106 for √17 (math-verify rounds to six decimals; significant digits keep 4e-7 and 1e-7 apart). A shorter one is
   wrong: 0.3333 for 1/3, 85.71 for 600/7, 92.59 for 92.5857658508735.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from reward.parser.nodes import Node, TooLarge

MOST_DIGITS = 2000  # longer numbers are compared as text
LARGEST_EXPONENT = 4000  # of ten, in a number that is written down
MEASURED_DIGITS = 3
MEASURED_DIGITS_SCIENTIFIC = 2
ENOUGH_DIGITS = 6

LITERAL = re.compile(r"(?P<whole>\d*)(?:\.(?P<part>\d*))?(?:[eE](?P<exponent>[+-]?\d+))?")
INTEGER = re.compile(r"[+-]?\d+")
GROUPED = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
FRACTION = re.compile(r"(?P<sign>[+-]?)(?:\\frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))|(\d+)/(\d+))")
DECIMAL = re.compile(r"(?P<sign>[+-]?)(?P<literal>\d*\.\d+|\d+\.)")


@dataclass(frozen=True)
class Written:
    """A decimal as it is written: `digits` significant ones, the last of them worth `unit`."""

    value: Fraction
    digits: int
    unit: Fraction
    scientific: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether the number was rounded on purpose (rule 1); AMC's 27.0 is an integer."""
        if self.scientific:
            return self.digits >= MEASURED_DIGITS_SCIENTIFIC
        return self.digits >= MEASURED_DIGITS and self.value.denominator != 1

    @property
    def is_long(self) -> bool:
        """Whether the number has enough digits to stand for one that has no end (rule 2)."""
        return self.digits >= ENOUGH_DIGITS

    def scaled(self, factor: Fraction, scientific: bool = False) -> "Written":
        """The same digits, times `factor`."""
        return Written(self.value * factor, self.digits, self.unit * abs(factor), self.scientific or scientific)


def value_of(literal: str) -> Fraction:
    """The exact value of digits with or without a point and an exponent. Raises TooLarge beyond the bounds."""
    match = LITERAL.fullmatch(literal)
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError(f"{literal!r} is no number")
    digits = match["whole"] + (match["part"] or "")
    exponent = int((match["exponent"] or "0")[:10])
    if len(digits) > MOST_DIGITS or abs(exponent) > LARGEST_EXPONENT:
        raise TooLarge(f"a number of {len(digits)} digits with the exponent {exponent}")
    return Fraction(int(digits)) * Fraction(10) ** (exponent - len(match["part"] or ""))


def written(node: Node) -> Written | None:
    r"""How the decimal `node` is written; None if it is none: 2.19e6, -30.52, 6.67\%, 5.11\times10^5."""
    if node.kind == "number":
        return _written_literal(node)
    if node.kind in ("neg", "percent"):
        inner = written(node.args[0])
        return inner and inner.scaled(Fraction(-1) if node.kind == "neg" else Fraction(1, 100))
    if node.kind == "quantity":
        return written(node.args[0])
    if node.kind == "mul" and len(node.args) == 2:
        power = power_of_ten(node.args[1])
        inner = _written_literal(node.args[0], any_number=True) if power else written(node.args[0])
        return inner and (inner.scaled(power, scientific=True) if power else None)
    return None


def power_of_ten(node: Node) -> Fraction | None:
    """10 to an integer, if that is what the node says."""
    if node.kind != "pow" or node.args[0].kind != "number" or node.args[0].value != 10:
        return None
    exponent, sign = node.args[1], 1
    if exponent.kind == "neg":
        exponent, sign = exponent.args[0], -1
    if exponent.kind != "number" or exponent.value.denominator != 1 or exponent.value > LARGEST_EXPONENT:
        return None
    return Fraction(10) ** int(sign * exponent.value)


def _written_literal(node: Node, any_number: bool = False) -> Written | None:
    match = LITERAL.fullmatch(node.name) if node.kind == "number" else None
    if match is None or (not any_number and not match["part"] and not match["exponent"]):
        return None
    part = match["part"] or ""
    digits = (match["whole"] + part).lstrip("0")
    unit = Fraction(10) ** (int(match["exponent"] or 0) - len(part))
    return Written(node.value, len(digits), unit, scientific=bool(match["exponent"]))


def plain_integer(text: str) -> str | None:
    """An integer of any length without leading zeros and group commas (AIME's "025"); None if it is none."""
    if GROUPED.fullmatch(text.lstrip("+-")):
        text = text.replace(",", "")
    if not INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    return f"-{digits}" if text.startswith("-") and digits != "0" else digits


def plain_rational(text: str) -> Fraction | None:
    r"""The value of an integer, a decimal or a plain fraction (27.0, 9/7, \frac{9}{7}); None if it is none of them."""
    if len(text) > MOST_DIGITS:
        return None
    if (digits := plain_integer(text)) is not None:
        return Fraction(int(digits))
    if (match := DECIMAL.fullmatch(text)) is not None:
        value = value_of(match["literal"])
    elif (match := FRACTION.fullmatch(text)) is not None:
        top, bottom = (int(group) for group in match.groups()[1:] if group is not None)
        if bottom == 0:
            return None
        value = Fraction(top, bottom)
    else:
        return None
    return -value if match["sign"] == "-" else value
