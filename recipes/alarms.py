"""What a person should look at in the metrics of a run."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """One condition that held over steps.

    Attributes:
        name: of the condition.
        first_step, last_step: over which it held.
        sentence: what was measured, and where to look.
        anchor: heading in docs/metrics.md.
    """

    name: str
    first_step: int
    last_step: int
    sentence: str
    anchor: str


SCORER_LIMIT = 0.05  # share of responses that could not be scored


def of_rows(rows: list[dict[str, Any]]) -> list[Alarm]:
    """All alarms in the rows of metrics.jsonl, in the order of their first steps."""
    found: dict[str, Alarm] = {}
    for row in rows:
        share = row["data"].get("reward/failure_share")
        if share is not None and math.isfinite(share) and share > SCORER_LIMIT:
            first = found["scorer"].first_step if "scorer" in found else row["step"]
            sentence = f"{share:.0%} of the responses could not be scored"
            found["scorer"] = Alarm("scorer", first, row["step"], sentence, "reward")
    return list(found.values())


class AlarmWatch:
    """Alarms of a run that goes on, each told once when it begins.

    Args:
        earlier: rows of the attempts before, whose alarms are not told again.
    """

    def __init__(self, earlier: Iterable[dict[str, Any]] = ()) -> None:
        self._rows: list[dict[str, Any]] = []
        self._told: set[tuple[str, int]] = set()
        self.new(earlier)

    def new(self, rows: Iterable[dict[str, Any]]) -> list[Alarm]:
        """Those that begin with these further rows."""
        self._rows += rows
        begun = [alarm for alarm in of_rows(self._rows) if (alarm.name, alarm.first_step) not in self._told]
        self._told |= {(alarm.name, alarm.first_step) for alarm in begun}
        return begun
