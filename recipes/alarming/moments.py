"""A run's metrics as the rules see them: one moment per step, with what was usual in the run's first steps."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Steps whose median is what a run started from: one step's batch is noise, and a run hardly changes in five.
FIRST_STEPS = 5


def finite(value: Any) -> float | None:
    """The value as a number, or None for NaN, infinity and whatever is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


@dataclass(frozen=True)
class Moment:
    """One step.

    Attributes:
        step: its number.
        data: its metrics as they were logged.
        usual: metric → median of its first FIRST_STEPS values, for those asked for, once there are as many.
    """

    step: int
    data: Mapping[str, Any]
    usual: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        """A metric that is known to be there."""
        return float(self.data[name])

    def has(self, names: Iterable[str]) -> bool:
        """Whether all these metrics are there, as finite numbers."""
        return all(finite(self.data.get(name)) is not None for name in names)


def moments(rows: Iterable[Any], names: Iterable[str]) -> Iterator[Moment]:
    """The steps of metrics.jsonl in their order; lines of another form are passed over.

    Args:
        rows: dicts with `step` and `data`.
        names: metrics whose usual value is wanted.
    """
    names = tuple(names)
    first: dict[str, list[float]] = defaultdict(list)
    usual: dict[str, float] = {}
    for row in rows:
        step, data = (row.get("step"), row.get("data")) if isinstance(row, dict) else (None, None)
        if not isinstance(step, int) or not isinstance(data, dict):
            continue
        yield Moment(step, data, dict(usual))
        for name in names:
            value = finite(data.get(name))
            if value is not None and name not in usual:
                first[name].append(value)
                if len(first[name]) == FIRST_STEPS:
                    usual[name] = statistics.median(first[name])
