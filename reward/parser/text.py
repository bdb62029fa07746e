r"""Spellings of one answer brought to one form: `\dfrac{1}{2}`, `$\frac{1} {2}$.` and `\tfrac12` are the same text.

Only how an answer is written changes here, never what it says. Each rule names the spelling that made it necessary.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from reward.parser.typography import CHINESE_UNITS, JOINTS, NUMERALS, SUBSCRIPTS, SUPERSCRIPTS, TO_LATEX

Replacement = str | Callable[[re.Match[str]], str]
SPACES = re.compile(r"\s+")
# A space between two word characters carries meaning: `1 2` is not 12, `\cdot x` is not `\cdotx`.
IDLE_SPACE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")
# `\\frac`, escaped once too often; inside an environment `\\` ends a row.
DOUBLE_BACKSLASH = re.compile(r"\\\\(?=[A-Za-z])")
# x^{2} and x^2; but 2^{1}0 is no 2^10
ONE_LETTER_GROUP = re.compile(r"(?<=[\^_])\{(\w)\}(?!\w)")
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
    (r"^\s*an(?=\s+[a-z]\s*=|\\[a-z])", r"\\tan"),
)
SCRIPTS = _rules(
    (r"<(sup|sub)>(.*?)</\1>", lambda match: f"{'^' if match[1] == 'sup' else '_'}{{{match[2]}}}"),  # 3<sup>x</sup>
    ("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+", lambda match: f"^{{{match[0].translate(SUPERSCRIPTS)}}}"),
    ("[₀₁₂₃₄₅₆₇₈₉]+", lambda match: f"_{{{match[0].translate(SUBSCRIPTS)}}}"),
)
CHINESE = _rules(
    (
        rf"^\s*([{''.join(NUMERALS)}])(?=\W*$|[{''.join(name[0] for name in CHINESE_UNITS)}])",
        lambda match: NUMERALS[match[1]],
    ),
    (rf"(?<=[\d}})\s\]A-Za-z]|\$)({'|'.join(JOINTS)})", lambda match: rf"\text{{ {JOINTS[match[1]]} }}"),
    (
        rf"(?<=[\d}})\s]|\$)({'|'.join(sorted(CHINESE_UNITS, key=len, reverse=True))})",
        lambda match: rf"\text{{ {CHINESE_UNITS[match[1]]} }}",
    ),
)
NUMBERS = _rules(
    # 1{,}000, 10,\!080 and 4\,530: a comma or thin space that groups digits; 529,\,625 is a list.
    (r"(?<=\d)(?:\{,\}|,\s*\\!|\\,|\\!)\s*(?=\d{3}(?!\d))", ""),
    (r"(?<=\d)'(?=\d{3}(?!\d))", ""),  # 1'000, as the Swiss write
    (r"(?<=\d)\s*[xX*]\s*(?=10\s*\^)", r"\\times "),  # 5.11 x 10^5
    (r"(?<=[\w)}])\*\*(?=[\w({-])", "^"),  # 2**3; \*\*7\*\* is bold
    (r"(?<![A-Za-z\\])(?:np|numpy|math|sympy)\.(?=[A-Za-z])", ""),  # Minerva: np.arcsin(10/13)
    (r"(?<=\d)\^\s*\{?\s*(?:\\(?:text|mathrm|textrm)\s*\{)?\s*(st|nd|rd|th)\s*\}{0,2}", r"\1 "),  # 5^{\text{th}}
    (r"(?<=[\d)}\]])(or|and)(?=[A-Za-z(\d\\\[])", r" \1 "),  # (11,7)or(7,11)
)
# Few answers hold what the next rules are about, and searching for all of it at once is cheap.
RARE = re.compile(
    r"[Mm]\b|dot|\.\.\.|\d\.\(|[Tt][Yy]-|noon|midnight|C_|-(?:half|halves|third|quarter|\w+th)"
    r"|Fraction|log(?:10|2)\(|[\d.]j|`|color|underline|Rightarrow|Longrightarrow|implies|checkmark|blacksquare|\\\\\s*$"
)
RARE_SPELLINGS = _rules(
    # {}_5C_2, {}^{n}C_{r}: a binomial coefficient as schools write it
    (r"(?<![\w)}\]])(?:\{\})?[\^_](?:\{(\w+)\}|(\w))C_(?:\{(\w+)\}|(\w))", r"\\binom{\1\2}{\3\4}"),
    # 5:30\,\text{A.M.}; 8:34 p.m. and 8 AM; but 2am is a product
    (
        r"(?<=\d)(?:\s|~|\\[,;: ])*\\(?:text|mathrm|textrm|mbox)\s*\{(?:\s|\\[,;: ])*([AaPp])\.?\s?[Mm]\.?\s*\}",
        lambda match: rf" \text{{{match[1].lower()}m}}",
    ),
    (
        r"(?:(?<=:\d\d)(?:\s|~|\\[,;: ])*([AaPp])\.?\s?[Mm]\b\.?"
        r"|(?<=\d)(?:\s|~|\\[,;: ])*(?:([AaPp])\.\s?[Mm]\b\.?|([AP])M\b))",
        lambda match: rf" \text{{{(match[1] or match[2] or match[3]).lower()}m}}",
    ),
    # 12:00 noon, 12 \text{ midnight}
    (
        r"\b12(?::00)?\s*(?:\\text\{\s*(noon|midnight)\s*\}|(noon|midnight)\b)",
        lambda match: rf"12:00 \text{{{'pm' if 'noon' in match[0] else 'am'}}}",
    ),
    # two-thirds
    (r"(?i)\b(one|two|three|four|five|seven|nine)-(?=(?:half|halves|third|quarter|[a-z]{3,5}th)s?\b)", r"\1 "),
    (r"(?i)\b((?:twen|thir|for|fif|six|seven|eigh|nine)ty)-(?=[a-z])", r"\1 "),  # twenty-one
    (r"\.{3,}", r"\\ldots "),
    # repeating decimals: 1.\dot4, 0.\dot{1}4\dot{2}, 0.(3)
    (
        r"(?<=\.)(\d*)\\dot\s*\{?(\d)\}?(?:(\d*)\\dot\s*\{?(\d)\}?)?(?![\d\\])",
        lambda match: rf"{match[1]}\overline{{{match[2]}{match[3] or ''}{match[4] or ''}}}",
    ),
    (r"(?<=\d\.)\((\d{1,20})\)(?![\d^!(])", r"\\overline{\1}"),
    (
        r"(?<![\d.])(\d+\.\d{3,50})\\[lcv]?dots[bco]?(?![A-Za-z])\s*(?=$|[,;)\]}=$]|\\)",
        lambda match: _with_period(match[1]),
    ),
    # Python: Fraction(1, 2), log10(100), 3+4j
    (r"\bFraction\(\s*(-?\d+)\s*,\s*(\d+)\s*\)", r"\\frac{\1}{\2}"),
    (r"(?<![A-Za-z\\])log(10|2)\(", r"\\log_{\1}("),
    (r"^(\(?-?[\d.]+\s*[+-]\s*[\d.]+)j(\)?)$", r"\1i\2"),
    (r"^\s*`([^`]*)`\s*$", r"\1"),
    (r"\\(?:text)?color\s*\{[a-zA-Z]*\}|\\underline(?![A-Za-z])", ""),
    (r"^\s*\\(?:Rightarrow|Longrightarrow|implies)(?![A-Za-z])", ""),  # what follows from what stood before
    (r"(?<=[\w)}\]])\s*\\(?:checkmark|blacksquare|\\)\s*$", ""),
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
    # y = x^2 (x > 0): a condition, set off by a space; P (X > 6) is none
    (r"(?<=[\w)}\]])(?<![A-Z])\s+\((\s*[A-Za-z]\s*(?:<|>|\\(?:le|ge|ne)(?![A-Za-z]))[^()]*)\)\s*$", r", \1"),
)


@lru_cache(maxsize=8192)
def tidy(text: str) -> str:
    """The same answer in plain LaTeX: ASCII, no layout commands, no math delimiters, `\\frac` for every fraction."""
    text = _applied(LOST_BACKSLASHES, text)
    if r"\begin" not in text:
        text = DOUBLE_BACKSLASH.sub(r"\\", text)
    text = _applied(SCRIPTS, text).translate(TO_LATEX)
    if not text.isascii():
        text = _applied(CHINESE, text)
    text = _applied(NUMBERS, text)
    if RARE.search(text):
        text = _applied(RARE_SPELLINGS, text)
    text = _applied(LAYOUT, text)
    return _without_stray_brace(TRAILING.sub("", text.strip()).strip())


@lru_cache(maxsize=8192)
def canonical(text: str) -> str:
    """The form in which two answers are compared as text."""
    single = SPACES.sub(" ", tidy(text))  # of two spaces in a row both would be idle: `1  2` is no 12 either
    return ONE_LETTER_GROUP.sub(r"\1", IDLE_SPACE.sub("", single))


def _with_period(decimal: str) -> str:
    r"""1.444\ldots and 0.2727\ldots as repeating decimals; a period that is not written twice is none."""
    for length in range(1, len(decimal)):
        match = re.fullmatch(rf"(\d+\.\d*?)(\d{{{length}}})\2+", decimal)
        if match and (length > 1 or decimal.endswith(match[2] * 3) or len(decimal.partition(".")[2]) == 2):
            return rf"{match[1]}\overline{{{match[2]}}}"
    return rf"{decimal}\ldots "


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
