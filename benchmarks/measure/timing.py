"""How everything here is timed: the alternatives in turn, warmed up, medians and their spread.

Only the standard library: benchmarks/gpu.py runs where little else is installed.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Function = Callable[[], Any]
Clock = Callable[[Function], float]


def seconds(function: Function) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def interleave(
    functions: Mapping[str, Function], rounds: int, *, warmup: int = 1, clock: Clock = seconds
) -> dict[str, list[float]]:
    """Time the functions in turn (A B C A B C …), so that a busy minute of the machine hits all of them.

    Args:
        functions: name → what is timed.
        rounds: calls of each that count.
        warmup: calls of each before, which don't.
        clock: measures one call.

    Returns:
        Name → what the clock said, one value per round.

    Raises:
        ValueError: there is no round.
    """
    if rounds < 1:
        raise ValueError(f"rounds={rounds}: at least one is needed")
    for _ in range(warmup):
        for function in functions.values():
            function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(clock(function))
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: statistics.median(values) for name, values in times.items()}


def bests(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The best call of each: the one that other programs disturbed least. Beside them medians are those of waiting."""
    return {name: min(values) for name, values in times.items()}


def spread(values: Sequence[float]) -> float:
    """Distance between the quartiles as a share of the median; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle if middle else 0.0


def ratios(values: Mapping[str, float], base: str) -> dict[str, float]:
    """Every value as a multiple of that of `base`; `base` itself is left out."""
    return {name: value / values[base] for name, value in values.items() if name != base}


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
