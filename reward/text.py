r"""Spellings of one answer brought to one form: `\dfrac{1}{2}`, `\frac{1} {2}` and `$\frac{1}{2}$.` are the same."""

import re

LAYOUT = re.compile(r"\\(?:left|right|displaystyle)(?![A-Za-z])")
FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
# The lookbehind spares the line break of a matrix, as in `1 \\ 2`.
SPACING = re.compile(r"(?<!\\)\\(?:[,;:! ]|quad(?![A-Za-z])|qquad(?![A-Za-z]))")
# A space between two word characters carries meaning: `1 2` is not 12, `\cdot x` is not `\cdotx`.
IDLE_SPACE = re.compile(r"(?<!\w)\s+|\s+(?!\w)")


def strip_decoration(text: str) -> str:
    """Without the dollar signs around it, the full stop after it and the spaces at its ends."""
    text = text.strip().removesuffix(".").rstrip()
    if text.startswith("$") and text.endswith("$") and not text.endswith(r"\$"):
        text = text.strip("$").strip().removesuffix(".").rstrip()
    return text


def canonical(text: str) -> str:
    """The form in which two answers are compared as text."""
    text = strip_decoration(text).replace("−", "-")
    text = FRACTION.sub(r"\\frac", LAYOUT.sub("", text))
    text = SPACING.sub(" ", text)
    return re.sub(r"\s+", " ", IDLE_SPACE.sub("", text))
