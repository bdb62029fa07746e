"""metrics.jsonl: one line per step over all attempts of a run.

verl's file logger truncates its file when a run is resumed (verl/utils/tracking.py, FileLogger opens "wb"). So each
attempt writes a file of its own, and its lines are appended to metrics.jsonl as they come.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, TypeGuard

from recipes.common.files import append_whole
from recipes.common.numbers import is_integer

LAST_STEP = 10**9


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole lines: dicts with `step` and `data`. A line that was cut off or damaged is left out."""
    if not path.is_file():
        return []
    rows = (_row(line) for line in path.read_bytes().split(b"\n") if line)
    return [row for row in rows if row is not None]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_row = isinstance(row, dict) and is_step(row.get("step")) and isinstance(row.get("data"), dict)
    return row if is_row else None


def is_step(value: Any) -> TypeGuard[int]:
    """Whether it can be the number of a step."""
    return is_integer(value) and 0 <= value < LAST_STEP


def series(rows: Sequence[dict[str, Any]], metric: str) -> dict[int, float]:
    """Step → value, of the steps that have it as a number, NaN included."""
    return {row["step"]: row["data"][metric] for row in rows if _is_value(row["data"].get(metric))}


def validation_accuracy(data: dict[str, Any]) -> float | None:
    """Avg@n on the validation problems, or None when this step did not validate.

    With several data sources it is their unweighted mean, as in the papers' "Avg." column.
    """
    values = [value for key, value in data.items() if key.startswith("val-core/") and "/acc/mean@" in key]
    return statistics.mean(values) if values and all(map(_is_value, values)) else None


def _is_value(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


class AttemptFile:
    """verl's metrics file of the running attempt, copied line by line to the run's metrics.jsonl.

    Args:
        source: where verl writes.
        target: the run's file.
        earlier: the rows that are in it.
        carried: step → metrics of a step that an earlier attempt has trained but not logged; this one will validate it.

    Attributes:
        logged_step: the last step that is in the run's file, 0 without one.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        earlier: Sequence[dict[str, Any]] = (),
        carried: Mapping[int, dict[str, Any]] | None = None,
    ) -> None:
        self.source, self.target, self.earlier = source, target, earlier
        self.logged_step = max((row["step"] for row in earlier), default=0)
        self._carried = carried or {}
        self._position = 0
        source.parent.mkdir(parents=True, exist_ok=True)
        source.unlink(missing_ok=True)

    def new_rows(self) -> list[dict[str, Any]]:
        """Copy the lines that were completed since the last call, and return them."""
        if not self.source.is_file():
            return []
        with self.source.open("rb") as file:
            file.seek(self._position)
            chunk = file.read()
        complete = chunk[: chunk.rfind(b"\n") + 1]
        rows = [row for line in complete.split(b"\n") if (row := _row(line)) is not None]
        for row in rows:
            row["data"] = self._carried.get(row["step"], {}) | row["data"]
        if rows:
            append_whole(self.target, "".join(json.dumps(row) + "\n" for row in rows))
            self.logged_step = max(self.logged_step, *(row["step"] for row in rows))
        self._position += len(complete)  # after they are written: a full disk loses none
        return rows
