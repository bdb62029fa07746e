"""A disk that fills up, or a kill, at every single thing that is done to a run's files: the same command goes on."""

from pathlib import Path

import pytest
from faulty_tries import assert_survived

LEAST = 100  # points of a start, two steps with checkpoints, and an end


# A share of the points, each a third of a second; all of them with --all.
@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.slow)])
def test_the_same_command_goes_on_after_any_fault(every: int, tmp_path: Path) -> None:
    assert_survived("faulty_run.py", tmp_path, every, LEAST)
