"""Where the time of a step goes."""

import math
from dataclasses import dataclass

from rich.text import Text

from recipes.train.live import charts
from recipes.train.live.formats import GAP, Line
from recipes.train.live.history import SECONDS, History


@dataclass(frozen=True)
class Phase:
    """A part of a step.

    Attributes:
        name, short: in words, and where there is no room for them.
        letter, style: what draws it.
        metric: verl's seconds of it.
    """

    name: str
    short: str
    letter: str
    style: str
    metric: str


PHASES = (
    Phase("generation", "gen", "G", "green", "timing_s/gen"),
    Phase("old log-prob", "logp", "L", "blue", "timing_s/old_log_prob"),
    Phase("update", "update", "U", "magenta", "timing_s/update_actor"),
    Phase("sync", "sync", "S", "yellow", "timing_s/update_weights"),
)
OTHER = Phase("other", "other", ".", "bright_black", "")


def shares(history: History) -> list[tuple[Phase, float]]:
    """Phases of the latest step and their shares of its time; what is left over is OTHER. Empty where none is known."""
    whole = history.value(SECONDS)
    if whole is None or not math.isfinite(whole) or whole <= 0:
        return []
    taken = [max(0.0, _finite(history.value(phase.metric))) for phase in PHASES]
    whole = max(whole, sum(taken))  # they overlap where some GPUs only generate
    found = [(phase, seconds / whole) for phase, seconds in zip(PHASES, taken, strict=True)]
    return [*found, (OTHER, max(0.0, 1 - sum(taken) / whole))]


def lines(history: History, width: int, ascii_only: bool) -> list[Line]:
    """A bar, and its legend."""
    found = shares(history)
    if not found:
        return []
    drawn = charts.stacked([(phase.letter, phase.style, part) for phase, part in found], width, ascii_only)
    legend = [Text(f"{phase.name} {part:.0%}", phase.style) for phase, part in found]
    if sum(text.cell_len + len(GAP) for text in legend) - len(GAP) > width:
        legend = [Text(f"{phase.short} {part:.0%}", phase.style) for phase, part in found]
    return [("time", [drawn]), ("", legend)]


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0
