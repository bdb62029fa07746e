"""Is a run in trouble? One sentence per condition that its metrics meet, with the number and where to look.

Pure Python over the rows of metrics.jsonl: what is missing or no number is passed over and never raises.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recipes.runs.alarm_rules import RULES, Moment, Rule, moments


@dataclass(frozen=True)
class Alarm:
    """A condition that held.

    Attributes:
        name: of the condition.
        first_step: the first step at which it held.
        last_step: the last one; it still holds if no later step has the metric.
        sentence: what was measured at `last_step`, and where to look.
        anchor: heading of docs/metrics.md that says what to do.
    """

    name: str
    first_step: int
    last_step: int
    sentence: str
    anchor: str


def of_rows(rows: list[dict[str, Any]]) -> list[Alarm]:
    """The alarms of a run, in the order in which they began.

    A condition that ends and comes back is one alarm: the last time it held.

    Args:
        rows: dicts with `step` and `data`, as recipes.runs.metrics_file.read_metrics returns them.
    """
    names = {name for rule in RULES for name in rule.metrics}
    seen = list(moments(rows, names))
    found = [alarm for rule in RULES if (alarm := _last_time(rule, seen))]
    return sorted(found, key=lambda alarm: alarm.first_step)


def _last_time(rule: Rule, seen: list[Moment]) -> Alarm | None:
    alarm: Alarm | None = None
    held: list[int] = []  # steps in a row
    for now in seen:
        if not now.has(rule.metrics):
            continue
        sentence = rule.sentence(now)
        if not sentence:
            held = []
            continue
        held.append(now.step)
        if len(held) >= rule.lasting:
            alarm = Alarm(rule.name, held[0], held[-1], sentence, rule.anchor)
    return alarm


class AlarmWatch:
    """Alarms of a run that is going on; each is said once, when it begins.

    Args:
        earlier: rows of the attempts before, whose alarms are not said again.

    Attributes:
        alarms: all of the run so far, as `of_rows` tells them.
    """

    def __init__(self, earlier: Iterable[dict[str, Any]] = ()) -> None:
        self._rows: dict[Any, dict[str, Any]] = {}
        self.alarms: list[Alarm] = []
        self.new(earlier)

    def new(self, rows: Iterable[dict[str, Any]]) -> list[Alarm]:
        """Take in further rows of metrics.jsonl and return the alarms that begin with them.

        Args:
            rows: those since the last call; one whose step is known already replaces it.
        """
        more = {row.get("step"): row for row in rows if isinstance(row, dict)}
        if not more:
            return []
        self._rows |= more
        began = {alarm.name: alarm.first_step for alarm in self.alarms}
        self.alarms = of_rows(list(self._rows.values()))
        return [alarm for alarm in self.alarms if began.get(alarm.name) != alarm.first_step]
