"""Every mutant of the losses is killed by the unit tests (scripts/test.sh --all)."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_mutant_survives() -> None:
    script = Path(__file__).with_name("mutants.py")
    result = subprocess.run([sys.executable, "-W", "ignore", str(script)], capture_output=True, text=True)
    print(result.stdout.rpartition("\r")[2])  # the score
    assert result.returncode == 0, result.stdout + result.stderr
