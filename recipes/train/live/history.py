"""What the metrics of a run say so far, ready to be shown."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from recipes.runs.metrics import REWARD, SECONDS
from recipes.runs.metrics_file import validation_accuracy
from recipes.runs.statistics import error_of_mean

RECENT = 10  # steps from which the time of the next ones is told


def as_number(value: Any) -> float:
    """A metric as a float; verl writes NaN and infinities as null, and they come back as NaN."""
    return float(value) if isinstance(value, int | float) else math.nan


class History:
    """Rows of metrics.jsonl up to now.

    Attributes:
        first, last: steps from and to which this attempt trains.
        step: the latest that is done.
        rows: of the run, those of earlier attempts included.
        validations: (step, accuracy), NaN where it is no number.

    Args:
        first, last: as above.
        earlier: rows of earlier attempts.
    """

    def __init__(self, first: int, last: int, earlier: Sequence[dict[str, Any]] = ()) -> None:
        self.first, self.last, self.step = first, last, first
        self.rows: list[dict[str, Any]] = []
        self.validations: list[tuple[int, float]] = []
        self._seconds: list[float] = []
        self._latest: dict[str, Any] = {}
        for row in earlier:
            self.add(row)
        self.step = first
        self._seconds.clear()  # another attempt may have run on another machine

    def add(self, row: dict[str, Any]) -> None:
        """One more row."""
        data = row["data"]
        self.rows.append(row)
        self.step = row["step"]
        if any(name.startswith("val-core/") and "/acc/mean@" in name for name in data):
            self.validations.append((row["step"], as_number(validation_accuracy(data))))
        if REWARD in data or SECONDS in data:
            self._latest = data
        if math.isfinite(seconds := as_number(data.get(SECONDS))):
            self._seconds.append(seconds)

    @property
    def trains(self) -> bool:
        """Whether this attempt has finished a step."""
        return self.step > self.first

    def value(self, name: str) -> float | None:
        """A metric of the latest training step: NaN where it is no number, None where there is none."""
        return as_number(self._latest[name]) if name in self._latest else None

    def named(self, prefix: str) -> dict[str, float]:
        """All metrics of the latest training step whose names begin with `prefix`, by the rest of their names."""
        return {
            name[len(prefix) :]: as_number(value) for name, value in self._latest.items() if name.startswith(prefix)
        }

    def series(self, name: str, length: int) -> list[float]:
        """A metric over the last `length` rows that hold it."""
        held = (row["data"][name] for row in self.rows[-2 * length :] if name in row["data"])
        return [as_number(value) for value in held][-length:]

    def standard_error(self) -> float | None:
        """Of the latest validation accuracy; None where verl's problems give none.

        The accuracy is the mean over data sources, which share no problem: their variances add up.
        """
        for row in reversed(self.rows):
            errors = [as_number(value) for name, value in row["data"].items() if "/acc/stderr@" in name]
            if errors or row["step"] == (self.validations[-1][0] if self.validations else None):
                return error_of_mean(errors) if errors else None
        return None

    def seconds_per_step(self) -> float | None:
        """Median of the latest steps of this attempt."""
        return statistics.median(self._seconds[-RECENT:]) if self._seconds else None

    def left(self, running: float = 0.0) -> float | None:
        """Seconds until the last step ends.

        Args:
            running: seconds that the present step has taken already.
        """
        each = self.seconds_per_step()
        if each is None or self.step >= self.last:
            return None if each is None else 0.0
        return each * (self.last - self.step) - min(running, each)
