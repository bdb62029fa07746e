"""metrics.jsonl as columns, small and free of what JavaScript can't read."""

import math
from collections.abc import Callable
from typing import Any

from recipes.common.numbers import is_number

MOST_POINTS = 4000  # per curve; a screen is no wider


def number(value: Any) -> float | None:
    """`value` as a finite float with five digits; None for everything else."""
    try:
        return float(f"{value:.5g}") if is_number(value) else None
    except OverflowError:  # an integer beyond the floats
        return None


def columns(rows: list[dict[str, Any]], wanted: Callable[[str], bool]) -> dict[str, Any]:
    """`steps` and, per wanted metric, one value or None per step.

    Args:
        rows: dicts with `step` and `data`, ascending.
        wanted: whether a metric is drawn.
    """
    names = {name for row in rows for name in row["data"]}
    chosen = sorted(name for name in names if wanted(name))
    table = {name: [number(row["data"].get(name)) for row in rows] for name in chosen}
    return {
        "steps": [row["step"] for row in rows],
        "columns": {name: values for name, values in table.items() if any(value is not None for value in values)},
    }


def thinned(rows: list[dict[str, Any]], keep: Callable[[str], bool]) -> list[dict[str, Any]]:
    """Every k-th row where there are more than MOST_POINTS; rows with a metric that `keep` names stay."""
    stride = -(-len(rows) // MOST_POINTS)
    if stride <= 1:
        return rows
    return [row for place, row in enumerate(rows) if place % stride == 0 or any(keep(name) for name in row["data"])]


def not_finite(rows: list[dict[str, Any]]) -> str | None:
    """A sentence about NaN and infinite values, None where there are none."""
    count, first = 0, None
    for row in rows:
        for name, value in row["data"].items():
            if isinstance(value, float) and not math.isfinite(value):
                count += 1
                first = first or (name, row["step"])
    if first is None:
        return None
    found = "1 value of the metrics is" if count == 1 else f"{count} values of the metrics are"
    return f"{found} not finite, the first is {first[0]} at step {first[1]}."
