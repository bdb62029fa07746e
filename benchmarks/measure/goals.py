"""What the measurements are held against. Why a goal was missed, and what was tried, stands in docs/speed.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import timing

Found = dict[str, float]


@dataclass(frozen=True)
class Goal:
    """An upper limit.

    Attributes:
        subject: the section that it is about.
        what: is measured.
        limit: for each of the values.
        values: name → value, from what the subject has measured; empty where that says nothing about the goal.
    """

    subject: str
    what: str
    limit: float
    values: Callable[[Mapping[str, Any]], Found]


def _losses(kind: str, key: str) -> Callable[[Mapping[str, Any]], Found]:
    def values(measured: Mapping[str, Any]) -> Found:
        if measured["shape"] != [64, 8192]:
            return {}
        rows = measured["results"].items()
        return {name.split()[0]: row[key] for name, row in rows if name.endswith(f"({kind})")}

    return values


def _phases(measured: Mapping[str, Any]) -> Found:
    return {name: one["ratio"] for name, one in measured["phases"].items() if one["ratio"] is not None}


def _busy(measured: Mapping[str, Any]) -> Found:
    """Of what the preset does; the others are alternatives that were tried."""
    shipped = next(iter(measured.values()))
    return {"step": shipped["busy"]["step"] / shipped["quiet"]["step"]}


def _driver(kind: str) -> Callable[[Mapping[str, Any]], Found]:
    return lambda measured: dict(measured["ratios"][kind])


def _driver_seconds(measured: Mapping[str, Any]) -> Found:
    """Of what is shipped; the table has `dumps.keep=all` beside it."""
    return {"ours": measured["ratios"]["seconds"]["ours"]}


GOALS = (
    Goal("losses", "op by op, time as a multiple of `vanilla`", 0.6, _losses("eager", "time")),
    Goal("losses", "fused, time as a multiple of `vanilla`", 0.15, _losses("fused", "time")),
    Goal("losses", "op by op, peak extra memory as a multiple", 0.5, _losses("eager", "memory")),
    Goal("losses", "fused, peak extra memory as a multiple", 0.5, _losses("fused", "memory")),
    Goal("step", "time per step by phase, ours / verl's", 1.02, _phases),
    Goal("step", "peak memory, ours / verl's", 1.02, lambda measured: {"all processes": measured["memory_ratio"]}),
    Goal("driver", "a step of 8,192 responses, processor seconds, ours / verl's", 1.1, _driver("time")),
    Goal("driver", "a step of 8,192 responses, memory, ours / verl's", 1.1, _driver("memory")),
    Goal("driver", "a step of 8,192 responses as shipped, seconds", 10.0, _driver_seconds),
    Goal("driver", "growth of the cost per token, 1 is linear", 1.1, _driver("growth")),
    Goal("busy", "a step with one core taken, seconds busy / quiet", 2.0, _busy),
    Goal("quickstart_time", "the whole quickstart, minutes", 4.0, lambda measured: {"it": measured["whole"] / 60}),
)


def section(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: each goal beside the worst that was measured, and who missed it.

    Args:
        found: subject → its result; quick runs are not judged.
    """
    rows = []
    for goal in GOALS:
        result = found.get(goal.subject)
        values = goal.values(result["measured"]) if result and not result["about"]["quick"] else {}
        if values:
            worst = max(values.values())
            missed = [f"{name} {value:.2f}" for name, value in values.items() if round(value, 3) > goal.limit]
            rows.append([goal.subject, goal.what, f"≤ {goal.limit}", f"{worst:.2f}", ", ".join(missed) or "none"])
        else:
            rows.append([goal.subject, goal.what, f"≤ {goal.limit}", "–", "not measured"])
    table = timing.table(["section", "goal", "limit", "worst measured", "missed by"], rows)
    why = "Why one was missed, and what was tried: [speed.md](../speed.md#goals-that-were-missed)."
    return f"## Goals\n\n{why}\n\n{table}\n"
