"""A training shows its steps and its alarms, on a terminal and without one, and nothing of what others print."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from live_rows import console, row, validation_row
from rich.console import Console

from recipes.runs.metrics_file import AttemptFile
from recipes.train.progress import TrainingProgress

ROWS = [validation_row(0, 0.25), row(1, timing_s__step=60.0, critic__score__mean=0.375)]
BROKEN = {"reward__failure_share": 0.5, "reward__status__timeout": 0.5}


def show(folder: Path, on: Console, rows: list[dict[str, Any]], earlier: Sequence[dict[str, Any]] = ()) -> str:
    metrics = AttemptFile(folder / "logs" / "attempt.jsonl", folder / "metrics.jsonl", earlier)
    with TrainingProgress(on, metrics, len(earlier), 3, "quickstart / tiny"):
        print("chatter of verl")
        metrics.source.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return on.file.getvalue()  # type: ignore[attr-defined]


def plain() -> Console:
    return console(200, terminal=False)


PLAIN = {
    "no terminal": plain,
    "NO_COLOR": lambda: console(200, NO_COLOR="1"),
    "dumb": lambda: console(200, TERM="dumb"),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_one_line_per_step_where_nothing_can_be_redrawn(tmp_path: Path, kind: str) -> None:
    shown = show(tmp_path, PLAIN[kind](), ROWS)
    assert "\x1b" not in shown
    lines = shown.splitlines()
    assert len(lines) == 3
    assert "starting Ray" in lines[0]
    assert "step 0/3" in lines[1] and "reward -" in lines[1] and "validation 0.250" in lines[1]
    for words in ("step 1/3", "reward 0.375", "validation 0.250", "length 10.9", "truncated 1.6%", "entropy 0.161"):
        assert words in lines[2]
    assert "60.0 s/step" in lines[2] and "left 2:00" in lines[2]


def test_a_terminal_gets_a_view_that_is_drawn_again(tmp_path: Path) -> None:
    shown = show(tmp_path, console(80), ROWS)
    assert "\x1b[1A" in shown, "the cursor goes up"
    assert "step 1/3" in shown and "left 2:00" in shown and "0.375" in shown
    assert shown.rstrip("\n").endswith("\x1b[?25h"), "the cursor is visible again"


@pytest.mark.parametrize("on", [plain, lambda: console(120)])
def test_chatter_stays_out(tmp_path: Path, capsys: pytest.CaptureFixture[str], on: Any) -> None:
    assert "chatter" not in show(tmp_path, on(), ROWS)
    assert "chatter of verl" in capsys.readouterr().out


def test_an_alarm_is_told_once_and_stands_in_the_log(tmp_path: Path) -> None:
    shown = show(tmp_path, plain(), [row(1), row(2, **BROKEN), row(3, **BROKEN)])
    warnings = [line for line in shown.splitlines() if "warning:" in line]
    log = (tmp_path / "logs" / "attempt.log").read_text().splitlines()
    assert len(warnings) == 1 and "step 2" in warnings[0] and "docs/metrics.md#" in warnings[0]
    assert log == warnings


def test_an_alarm_stands_in_the_view_while_it_holds(tmp_path: Path) -> None:
    assert "▲" in show(tmp_path / "a", console(120), [row(1), row(2, **BROKEN)]).split("╭")[-1]
    assert "▲" not in show(tmp_path / "b", console(120), [row(1), row(2, **BROKEN), row(3)]).split("╭")[-1]


def test_alarms_of_an_earlier_attempt_are_not_told_again(tmp_path: Path) -> None:
    shown = show(tmp_path, plain(), [row(2)], earlier=[row(1, **BROKEN)])
    assert "step 2/3" in shown and "warning" not in shown
