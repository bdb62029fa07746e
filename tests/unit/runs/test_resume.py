"""Where a run goes on: every step logged once, none validated twice, nothing lost that was learnt."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipes.runs.resume import Resume
from recipes.runs.run_folder import RunFolder

EVERY = 2  # steps from one validation to the next
NOTED = {"critic/score/mean": 0.5}


def lines(*steps: int, **data: Any) -> str:
    return "".join(json.dumps({"step": step, "data": data}) + "\n" for step in steps)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run that was started and has left nothing else."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.config.write_text("seed: 0\n")
    return run


def save_checkpoint(folder: RunFolder, step: int, row: dict[str, Any] | None = None) -> None:
    folder.checkpoints.staged(step).mkdir(parents=True)
    folder.checkpoints.publish(step, row)


def steps_of(rows: list[dict[str, Any]]) -> list[int]:
    return [row["step"] for row in rows]


def test_a_run_that_was_never_started(tmp_path: Path) -> None:
    resume = Resume.of(RunFolder(tmp_path / "run"))
    assert resume == Resume(started=False, from_step=0, rows=[], noted=None)
    assert resume.kept(EVERY) == [] and resume.validates_first(EVERY) is None and not resume.is_complete(0)


def test_steps_after_the_checkpoint_are_dropped_and_so_is_a_torn_line(folder: RunFolder) -> None:
    save_checkpoint(folder, 3)
    folder.metrics.write_text(lines(0, 1, 2, 3, 4) + '{"step": 5, "da')
    resume = Resume.of(folder)
    assert (resume.from_step, resume.logged_step) == (3, 4)
    folder.write_rows(resume.kept(EVERY))
    assert [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()] == [0, 1, 2, 3]
    assert resume.validates_first(EVERY) is False, "that step is validated"


def test_the_last_attempt_is_known_after_the_clock_was_set_back(folder: RunFolder) -> None:
    """Steps that were logged but not yet copied when the run was killed are those of the last log by name."""
    folder.metrics.write_text(lines(1))
    for name in ("train-29991231-235959.log", "train-29991231-235959.jsonl"):
        (folder.new_log().parent / name).write_text(lines(1) if name.endswith("l") else "")
    for step in (2, 3):  # two attempts by a clock of today
        log = folder.new_log()
        log.touch()
        folder.attempt_metrics(log).write_text(lines(1, step))
    assert folder.logs()[-1] == log and len(folder.logs()) == 3
    assert steps_of(Resume.of(folder).rows) == [1, 3]


def test_a_run_that_begins_anew_keeps_no_line(folder: RunFolder) -> None:
    folder.metrics.write_text(lines(0, 1, 2))
    resume = Resume.of(folder)
    folder.write_rows(resume.kept(EVERY))
    assert folder.metrics.read_text() == "" and resume.validates_first(EVERY) is None


def test_a_run_is_complete_when_its_last_step_is_logged(folder: RunFolder) -> None:
    folder.metrics.write_text(lines(0, 1, 2))
    assert Resume.of(folder).is_complete(2) and not Resume.of(folder).is_complete(3)


def test_what_the_driver_was_killed_before_copying_is_not_lost(folder: RunFolder) -> None:
    folder.metrics.write_text(lines(0, 1))
    for number, text in enumerate((lines(0, 1, 7), lines(1, 2, 3))):
        file = folder.attempt_metrics(folder.new_log()).with_name(f"train-2026010{number}-000000.jsonl")
        file.write_text(text)
    resume = Resume.of(folder)
    assert steps_of(resume.rows) == [0, 1, 2, 3], "only the latest attempt, only what follows"
    assert resume.is_complete(3)


@pytest.mark.parametrize("test_freq", [-1, 2])
def test_a_step_that_was_saved_but_not_logged_is_logged_once(folder: RunFolder, test_freq: int) -> None:
    save_checkpoint(folder, 3, NOTED)
    folder.metrics.write_text(lines(1, 2))
    resume = Resume.of(folder)
    assert resume.carried(test_freq) == {} and resume.validates_first(test_freq) is False
    assert resume.kept(test_freq)[-1] == {"step": 3, "data": NOTED} and steps_of(resume.kept(test_freq)) == [1, 2, 3]


def test_a_step_that_was_saved_but_not_validated_waits_for_that(folder: RunFolder) -> None:
    save_checkpoint(folder, 4, NOTED)
    folder.metrics.write_text(lines(1, 2, 3))
    resume = Resume.of(folder)
    assert resume.carried(EVERY) == {4: NOTED} and resume.validates_first(EVERY) is True
    assert steps_of(resume.kept(EVERY)) == [1, 2, 3]


def test_a_logged_step_needs_no_note(folder: RunFolder) -> None:
    save_checkpoint(folder, 4, NOTED)
    folder.metrics.write_text(lines(1, 2, 3, 4))
    resume = Resume.of(folder)
    assert resume.noted is None and resume.carried(EVERY) == {} and resume.validates_first(EVERY) is False


def test_it_is_read_once_and_nothing_is_changed(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(folder, 3)
    folder.metrics.write_text(lines(0, 1, 2, 3, 4))
    before = folder.metrics.stat().st_mtime_ns
    resume = Resume.of(folder)
    monkeypatch.setattr(json, "loads", None)
    assert resume.logged_step == 4 and len(resume.kept(EVERY)) == 4 and resume.validates_first(EVERY) is False
    assert folder.metrics.stat().st_mtime_ns == before
