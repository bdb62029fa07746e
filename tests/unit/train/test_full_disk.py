"""A disk that fills up, or a kill, at every single thing that is done to a run's files: the same command goes on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LEAST = 100  # points of a start, two steps with checkpoints, and an end


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_the_same_command_goes_on_after_any_fault(every: int, tmp_path: Path) -> None:
    """In a process of its own: what listens to a disk's changes stays until the process ends."""
    program = ROOT / "tests" / "support" / "faulty_run.py"
    done = subprocess.run([sys.executable, program, tmp_path, str(every)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    whole, *faults = json.loads(done.stdout.splitlines()[-1])
    assert not whole["wrong"] and whole["points"] > LEAST
    assert len(faults) == 2 * len(range(0, whole["points"], every))
    broken = [one for one in faults if one["trace"] or one["again"][0] or one["wrong"]]
    assert not broken, json.dumps(broken[:3], indent=1)
    full = [one for one in faults if one["how"] == "full"]
    assert all("No space left" in one["said"] or one["point"][0] in ("os.remove", "os.rename") for one in full), [
        (one["point"], one["said"]) for one in full if "No space left" not in one["said"]
    ]
