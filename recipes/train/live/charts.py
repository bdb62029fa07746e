"""Small pictures out of characters, in Unicode or, where the terminal has none, in ASCII."""

import math
from collections.abc import Sequence

from rich.text import Text

_LEVELS = {False: "▁▂▃▄▅▆▇█", True: "_.-=+*%#"}
_NO_NUMBER = {False: "·", True: "?"}


def sparkline(values: Sequence[float], width: int, ascii_only: bool) -> str:
    """The last `width` values as heights between the least and the greatest of them.

    Args:
        values: NaN and infinities get a mark of their own.
        width: characters at most.
        ascii_only: no Unicode.
    """
    shown = list(values)[-width:] if width > 0 else []
    finite = [value for value in shown if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    levels = _LEVELS[ascii_only]

    def level(value: float) -> str:
        if not math.isfinite(value):
            return _NO_NUMBER[ascii_only]
        place = (value - low) / (high - low) if high > low else 0.5
        return levels[min(int(place * len(levels)), len(levels) - 1)]

    return "".join(map(level, shown))


def bar(share: float, width: int, ascii_only: bool) -> Text:
    """A bar of `width` characters, of which `share` in [0, 1] is filled."""
    full = round(min(max(share, 0.0), 1.0) * width)
    done, rest = ("#", "-") if ascii_only else ("━", "─")
    return Text.assemble((done * full, "green"), (rest * (width - full), "bright_black"))


def stacked(shares: Sequence[tuple[str, str, float]], width: int, ascii_only: bool) -> Text:
    """Parts of a whole, side by side.

    Args:
        shares: (letter, style, share) of each part; shares add up to 1. The letter stands for the part in ASCII.
        width: characters of the whole.
        ascii_only: letters instead of coloured blocks.
    """
    drawn = Text()
    edge, total = 0, 0.0
    for letter, style, share in shares:
        total += share
        new_edge = round(min(total, 1.0) * width)
        drawn.append((letter if ascii_only else "█") * (new_edge - edge), style)
        edge = new_edge
    return drawn
