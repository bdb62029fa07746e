"""Signs of a training that goes wrong, found in its metrics."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """One sign.

    Attributes:
        name: what it is called.
        first_step: where it shows first.
        last_step: where it shows last.
        sentence: what is seen, and what it may mean.
        anchor: heading in docs/metrics.md that says more.
    """

    name: str
    first_step: int
    last_step: int
    sentence: str
    anchor: str


def of_rows(rows: list[dict[str, Any]]) -> list[Alarm]:
    """All alarms of a run.

    Args:
        rows: of metrics.jsonl; missing and non-finite values are coped with.
    """
    steps = [
        row["step"]
        for row in rows
        if any(isinstance(value, float) and not math.isfinite(value) for value in row["data"].values())
    ]
    if not steps:
        return []
    sentence = "A metric is not finite: look at the gradient norm and at skipped updates of that step."
    return [Alarm("not finite", steps[0], steps[-1], sentence, "not-finite")]
