"""Numbers as people read them."""

import math
from collections.abc import Sequence

from rich.text import Text

NOT_A_NUMBER = "bold red"
GAP = "  "
Line = tuple[str, Sequence[Text | str]]  # a label, and parts of which as many are shown as fit


def number(value: float | None, form: str = ".3f") -> Text:
    """`0.453`; `-` where there is none, a red `nan` where it is no number."""
    if value is None:
        return Text("-", "bright_black")
    return Text(format(value, form)) if math.isfinite(value) else Text("nan", NOT_A_NUMBER)


def share(value: float | None) -> Text:
    """`1.6%`, with more digits for what is rare."""
    if value is None or not math.isfinite(value):
        return number(value)
    percent = 100 * value
    return Text(f"{percent:.2f}%" if 0 < percent < 1 else f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%")


def fit(parts: Sequence[Text | str], width: int) -> Text:
    """The first of the parts that stand side by side in `width` characters; the first in any case, cut off."""
    line = Text()
    for part in parts:
        piece = Text(part) if isinstance(part, str) else part
        if not piece.plain:
            continue
        gap = GAP if line.plain else ""
        if line.plain and line.cell_len + len(gap) + piece.cell_len > width:
            break
        line = Text.assemble(line, gap, piece)
    line.truncate(max(0, width), overflow="crop")
    return line
