r"""Spellings of one answer brought to one form: `\dfrac{1}{2}`, `$\frac{1} {2}$.` and `\tfrac12` are the same text.

Only how an answer is written changes here, never what it says. Each rule names the spelling that made it necessary.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from reward.parser.typography import SUBSCRIPTS, SUPERSCRIPTS, TO_LATEX

Replacement = str | Callable[[re.Match[str]], str]
# A space between two word characters carries meaning: `1 2` is not 12, `\cdot x` is not `\cdotx`.
IDLE_SPACE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")
# `\\frac`, escaped once too often; inside an environment `\\` ends a row.
DOUBLE_BACKSLASH = re.compile(r"\\\\(?=[A-Za-z])")
TRAILING = re.compile(r"(?:(?<!\\)[\s.,;]|\\,|\\;)+$")


def _rules(*pairs: tuple[str, Replacement]) -> tuple[tuple[re.Pattern[str], Replacement], ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


# JSON read once too often turns `\frac` into a form feed and `rac`; Big-Math has `-rac{1}{2}` and `16 <tab>ext{ h}`.
LOST_BACKSLASHES = _rules(
    (r"\x0c(?=[A-Za-z])", r"\\f"),
    (r"\x08(?=[A-Za-z])", r"\\b"),
    (r"\x07(?=[A-Za-z])", r"\\a"),
    (r"\x0b(?=[A-Za-z])", r"\\v"),
    (r"\r(?=ight|ho\b|angle)", r"\\r"),
    (r"\t(?=ext|heta|imes|an\b|au\b|frac|riangle)", r"\\t"),
    (r"(?<![A-Za-z\\])rac(?=\s*\{)", r"\\frac"),
    (r"(?<![A-Za-z\\])ext(?=\{)", r"\\text"),
)
SCRIPTS = _rules(
    (r"<(sup|sub)>(.*?)</\1>", lambda match: f"{'^' if match[1] == 'sup' else '_'}{{{match[2]}}}"),  # 3<sup>x</sup>
    ("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+", lambda match: f"^{{{match[0].translate(SUPERSCRIPTS)}}}"),
    ("[₀₁₂₃₄₅₆₇₈₉]+", lambda match: f"_{{{match[0].translate(SUBSCRIPTS)}}}"),
)
NUMBERS = _rules(
    # 1{,}000, 10,\!080 and 4\,530: a comma or thin space that groups digits; 529,\,625 is a list.
    (r"(?<=\d)(?:\{,\}|,\s*\\!|\\,|\\!)\s*(?=\d{3}(?!\d))", ""),
    (r"(?<=\d)'(?=\d{3}(?!\d))", ""),  # 1'000, as the Swiss write
    (r"(?<=\d)\s*[xX*]\s*(?=10\s*\^)", r"\\times "),  # 5.11 x 10^5
    (r"(?<=[\w)}])\*\*(?=[\w({-])", "^"),  # 2**3; \*\*7\*\* is bold
    (r"(?<![A-Za-z\\])(?:np|numpy|math|sympy)\.(?=[A-Za-z])", ""),  # Minerva: np.arcsin(10/13)
    (r"(?<![A-Za-z\\])([ap])\.\s?m\b\.?", r"\1m"),  # 8:34 p.m.
    (r"(?<=\d)\s*(?:\\text\{\s*)?([AP])M\b\}?", lambda match: f" {match[1].lower()}m"),
    (r"(?<=\d)\^\s*\{?\s*(?:\\(?:text|mathrm|textrm)\s*\{)?\s*(st|nd|rd|th)\s*\}{0,2}", r"\1 "),  # 5^{\text{th}}
    (r"(?<=[\d)}\]])(or|and)(?=[A-Za-z(\d\\\[])", r" \1 "),  # (11,7)or(7,11)
    (r"\.{3,}", r"\\ldots "),
)
LAYOUT = _rules(
    (r"\\\\\[[^\]]{0,12}\]", r"\\\\ "),  # the distance between two rows
    (r"(?<![\\$\w}])\$(?=\s?\d[\d,.]*(?:\s|\\|$)[^$]*$)", r"\\$"),  # a currency: no dollar closes it
    (r"(?<!\\)(?:\$+|\\[()\[\]])", " "),
    (
        r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|hfill|phantom|boxed|fbox)"
        r"(?![A-Za-z])\.?",
        "",
    ),
    (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
    # The lookbehind spares the line break of a matrix, as in `1 \\ 2`.
    (r"(?<!\\)\\(?:[,;:> ~]|q?quad|(?:enspace|thinspace|medspace|space)(?![A-Za-z]))|~|&nbsp;", " "),
    (r"(?<!\\)\\!|\*\*|\\(?:nonumber|displaylimits)(?![A-Za-z])", ""),
    (r"\\(?:leqslant|leqq|leq)(?![A-Za-z])", r"\\le"),
    (r"\\(?:geqslant|geqq|geq)(?![A-Za-z])", r"\\ge"),
    (r"\\neq(?![A-Za-z])|\\not\s*=", r"\\ne"),
    (r"\\lt(?![A-Za-z])", "<"),
    (r"\\gt(?![A-Za-z])", ">"),
)


@lru_cache(maxsize=8192)
def tidy(text: str) -> str:
    """The same answer in plain LaTeX: ASCII, no layout commands, no math delimiters, `\\frac` for every fraction."""
    text = _applied(LOST_BACKSLASHES, text)
    if r"\begin" not in text:
        text = DOUBLE_BACKSLASH.sub(r"\\", text)
    text = _applied(SCRIPTS, text).translate(TO_LATEX)
    text = _applied(LAYOUT, _applied(NUMBERS, text))
    return _without_stray_brace(TRAILING.sub("", text.strip()).strip())


def canonical(text: str) -> str:
    """The form in which two answers are compared as text."""
    return re.sub(r"\s+", " ", IDLE_SPACE.sub("", tidy(text)))


def strip_decoration(text: str) -> str:
    """Without the dollar signs around it, the full stop after it and the spaces at its ends."""
    text = text.strip().removesuffix(".").rstrip()
    if text.startswith("$") and text.endswith("$") and not text.endswith(r"\$"):
        text = text.strip("$").strip().removesuffix(".").rstrip()
    return text


def _applied(rules: tuple[tuple[re.Pattern[str], Replacement], ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _without_stray_brace(text: str) -> str:
    """Without a last brace that closes nothing: `(0, 2]}`, in Big-Math the end of a box cut out carelessly."""
    escaped = text.count(r"\{") - text.count(r"\}")
    surplus = text.count("}") - text.count("{") + escaped
    return text[:-1].rstrip() if surplus == 1 and text.endswith("}") and not text.endswith(r"\}") else text
