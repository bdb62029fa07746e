"""The live line shows step, reward, accuracy and time left, and nothing of what others print."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from recipes.metrics_file import AttemptFile
from recipes.progress import TrainingProgress

ROWS = [
    {"step": 0, "data": {"val-core/x/acc/mean@4": 0.25}},
    {"step": 1, "data": {"critic/score/mean": 0.375, "timing_s/step": 60.0}},
]


def show(tmp_path: Path, terminal: bool) -> str:
    output = io.StringIO()
    metrics = AttemptFile(tmp_path / "attempt.jsonl", tmp_path / "metrics.jsonl")
    with TrainingProgress(Console(file=output, force_terminal=terminal, width=120), metrics, 0, 3):
        print("chatter of verl")
        metrics.source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return output.getvalue()


def test_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    shown = show(tmp_path, terminal=False).splitlines()
    assert "starting" in shown[0]
    assert "step 0/3" in shown[1] and "reward -" in shown[1] and "validation 0.250" in shown[1]
    assert "step 1/3" in shown[2] and "reward 0.375" in shown[2] and "left 2:00" in shown[2]


@pytest.mark.parametrize("terminal", [True, False])
def test_chatter_stays_out(tmp_path: Path, capsys: pytest.CaptureFixture[str], terminal: bool) -> None:
    assert "chatter" not in show(tmp_path, terminal)
    assert "chatter of verl" in capsys.readouterr().out
