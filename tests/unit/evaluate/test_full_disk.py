"""A disk that fills up, or a kill, at every single thing that is done to an evaluation's files: the command goes on."""

from pathlib import Path

from faulty_tries import assert_survived

LEAST = 30  # points of a start, four samples, their verdicts, the results, and an end


def test_the_same_command_goes_on_after_any_fault(tmp_path: Path) -> None:
    assert_survived("faulty_evaluation.py", tmp_path, 1, LEAST)
