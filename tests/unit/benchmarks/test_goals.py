"""A goal that was missed is named, with who missed it; what says nothing about a goal is not judged."""

import json
from pathlib import Path
from typing import Any

from benchmarks.measure import goals
from benchmarks.measure.goals import GOALS, section

ROOT = Path(__file__).resolve().parents[3]


def losses(shape: tuple[int, int] = (64, 8192), quick: bool = False, **rows: tuple[float, float]) -> dict[str, Any]:
    """A result of `losses`: method → time and memory, fused."""
    found = {f"{name} (fused)": {"time": time, "memory": memory} for name, (time, memory) in rows.items()}
    return {"losses": {"about": {"quick": quick}, "measured": {"shape": list(shape), "results": found}}}


def line(text: str, what: str) -> list[str]:
    (row,) = (row for row in text.splitlines() if what in row)
    return [cell.strip() for cell in row.strip("| ").split("|")][2:]


def test_who_missed_a_goal_is_named() -> None:
    text = section(losses(dgpo=(0.149, 0.1), maspo=(0.162, 0.1), grpo=(0.15, 0.51)))
    assert line(text, "fused, time") == ["≤ 0.15", "0.16", "maspo 0.16"]
    assert line(text, "fused, peak") == ["≤ 0.5", "0.51", "grpo 0.51"]
    assert line(section(losses(dgpo=(0.1, 0.1))), "fused, time")[-1] == "none"


def test_what_was_not_measured_or_in_a_hurry_is_not_judged() -> None:
    for found in ({}, losses(dgpo=(9.0, 9.0), quick=True), losses(shape=(16, 4096), dgpo=(9.0, 9.0))):
        assert line(section(found), "fused, time") == ["≤ 0.15", "–", "not measured"]


def test_every_goal_reads_what_is_measured() -> None:
    found = json.loads((ROOT / "docs" / "results" / "performance.json").read_text())
    for goal in GOALS:
        values = goal.values(found[goal.subject]["measured"])
        assert values and all(value > 0 for value in values.values()), goal.what
    assert section(found) in (ROOT / "docs" / "results" / "performance.md").read_text()


def test_phases_that_verl_has_not_are_left_out() -> None:
    phases = {"gen": {"ratio": 0.5}, "ref": {"ratio": None}}
    assert goals._phases({"phases": phases}) == {"gen": 0.5}
