"""Answers built from a small grammar, so that it is known which of them are equal (strategies for hypothesis).

A value is (coefficient, factor): a Fraction times 1, π or the root of a prime. Two values are equal if and only if
their pairs are; all texts that `spelled` makes of one value are equal.
"""

import re
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from reward.parser.vocabulary import word_set

Value = tuple[Fraction, str]
ROOTS = {r"\sqrt{2}": 2, r"\sqrt{3}": 3, r"\sqrt{5}": 5, r"\sqrt{7}": 7}
FACTORS = ("", "", "", r"\pi", *ROOTS)

integers = st.one_of(st.integers(-20, 20), st.integers(-(10**6), 10**6), st.integers(-(10**40), 10**40))
rationals = st.one_of(
    integers.map(Fraction),
    st.builds(Fraction, st.integers(-60, 60), st.integers(1, 60)),
    st.builds(Fraction, st.integers(-(10**9), 10**9), st.integers(1, 10**9)),
)
values: st.SearchStrategy[Value] = st.tuples(rationals, st.sampled_from(FACTORS)).map(
    lambda value: value if value[0] else (value[0], "")
)
WORDS = ("Monday", "Evelyn", "right triangle", "isosceles triangle", "the second player", "parabola", "blue ball")
TOKENS = (
    *sorted(
        word_set(r"\frac \sqrt \left \right \text \boxed \pi \infty \pm \cup \in \le \sum_ \int \mathbb{R} \sin \log")
    ),
    *sorted(word_set(r"\begin{pmatrix} \end{pmatrix} \begin{cases} \end{cases} \circ \overline \vec \binom \cdot")),
    *sorted(word_set(r"\% \$ \{ \} \\ \, \! + - * / = < > ( ) [ ] { } | ! % ^ _ , ; : . ' & ~ $ @ # ?")),
    *sorted(word_set("0 1 2 7 10 0.5 1,000 1e9 99999 x y e i k n A or and cm is ½ √ ∞ − ² π")),
    *("no solution", " ", " ", "\n"),
)
latex_like = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)


def is_terminating(value: Fraction) -> bool:
    """Whether its decimals end."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def decimal(value: Fraction) -> str:
    """All decimals of a fraction that has finitely many."""
    digits = 0
    while value * 10**digits % 1:
        digits += 1
    scaled = str(abs(value) * 10**digits).rjust(digits + 1, "0")
    point = f"{scaled[: len(scaled) - digits]}.{scaled[len(scaled) - digits :]}" if digits else f"{scaled}.0"
    return f"-{point}" if value < 0 else point


def _fractions(top: str, bottom: int, sign: str) -> list[str]:
    forms = [rf"{sign}\{name}{{{top}}}{{{bottom}}}" for name in ("frac", "dfrac", "tfrac")]
    return [*forms, f"{sign}{top}/{bottom}", rf"\frac{{{sign}{top}}}{{{bottom}}}", rf"{sign}{{{top} \over {bottom}}}"]


def spellings(value: Value, decimals: bool = True) -> list[str]:
    """Texts that say the value, exactly. Without `decimals`, nothing in them can be taken for a rounded number."""
    number, factor = value
    top, bottom, sign = abs(number.numerator), number.denominator, "-" if number < 0 else ""
    if factor:
        times = factor if top == 1 else f"{top}{factor}"
        forms = _fractions(times, bottom, sign) if bottom > 1 else [sign + times, rf"{sign}{top} \cdot {factor}"]
        forms += [rf"{sign}\frac{{{top}}}{{{bottom}}}{factor}", rf"{factor} \times ({sign}{top}/{bottom})"]
        if factor in ROOTS:
            forms.append(rf"{sign}\frac{{\sqrt{{{top * top * ROOTS[factor]}}}}}{{{bottom}}}")
        return forms
    forms = [*_fractions(str(top), bottom, sign), *_fractions(str(3 * top), 3 * bottom, sign)]
    if bottom == 1:
        forms += [
            f"{number}",
            f"{sign}0{top}",
            f"{number + 7} - 7",
            rf"1 \cdot {number}",
            rf"{sign}\sqrt{{{top * top}}}",
        ]
    if top > bottom > 1 and not sign:
        forms.append(rf"{top // bottom}\frac{{{top % bottom}}}{{{bottom}}}")
    if decimals and is_terminating(number):
        forms += [decimal(number), decimal(number) + "0", rf"{decimal(100 * number)}\%"]
    return forms


def spelled(value: Value, decimals: bool = True) -> st.SearchStrategy[str]:
    """One of the texts that say the value."""
    return st.sampled_from(spellings(value, decimals))


@st.composite
def several(draw: Any, least: int = 2, most: int = 4) -> tuple[list[Value], list[str]]:
    """Some different values, with texts that say them."""
    chosen = draw(st.lists(values, min_size=least, max_size=most, unique=True))
    return chosen, [draw(spelled(value, decimals=False)) for value in chosen]


def ordered(count: int) -> st.SearchStrategy[list[Fraction]]:
    """So many rationals, from the least to the greatest."""
    ends = st.builds(Fraction, st.integers(-99, 99), st.integers(1, 9))
    return st.lists(ends, min_size=count, max_size=count, unique=True).map(sorted)


SPACES = ("", " ", "  ", r"\,", r"\;", r"\ ", "~", r"\quad ")
WRAPPERS = ("{}", "${}$", "$${}$$", "{}.", "${}$.", "${}.$", r"\({}\)", " {} ", r"\displaystyle {}", r"{}\!")
AROUND = re.compile(r"(?<![A-Za-z\\])([+=,/]|\\cdot |\\times |\\cup |\\pm )\s*")
DELIMITER = re.compile(r"\\(?:left|right)(?![A-Za-z])\s*|(\\[{}]|[()\[\]])")


@st.composite
def respelled(draw: Any, text: str) -> str:
    r"""The same formula as somebody else may typeset it: spaces, \left, \dfrac, dollar signs, a full stop."""
    fraction, dot = draw(st.sampled_from(("frac", "dfrac", "tfrac"))), draw(st.sampled_from((r"\cdot ", r"\times ")))
    text = re.sub(r"\\[dt]?frac(?![A-Za-z])", rf"\\{fraction}", text)
    text = re.sub(r"\\(?:cdot|times)\s*(?![A-Za-z])", lambda _: dot, text)
    before, after = (draw(st.sampled_from(SPACES)) for _ in range(2))
    text = AROUND.sub(lambda match: f"{before}{match[1]}{after or ' '}", text)
    if draw(st.booleans()) and r"\begin" not in text:
        text = DELIMITER.sub(_sized, text)
    return draw(st.sampled_from(WRAPPERS)).replace("{}", text)


def _sized(match: re.Match[str]) -> str:
    if match[1] is None:
        return ""
    return (r"\left" if match[1] in (r"\{", "(", "[") else r"\right") + match[1]
