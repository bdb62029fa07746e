"""A checkpoint counts only if it is whole, and the best one stays."""

import json
import shutil
from pathlib import Path

import pytest
from checkpoint_files import publish, stage
from verl.utils.checkpoint.checkpoint_manager import find_latest_ckpt_path

from recipes.runs.checkpoints import MARK, TRACKER, Checkpoints


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def verl_finds(checkpoints: Checkpoints) -> int:
    found = find_latest_ckpt_path(str(checkpoints.path))
    return int(found.rsplit("_", 1)[1]) if found else 0


def test_nothing_is_there_at_first(checkpoints: Checkpoints) -> None:
    assert checkpoints.latest() == 0 and checkpoints.repair() == [] and checkpoints.best() is None


def test_what_is_staged_does_not_count_until_it_is_published(checkpoints: Checkpoints) -> None:
    publish(checkpoints, 2)
    stage(checkpoints, 4)
    assert checkpoints.latest() == 2 == verl_finds(checkpoints)
    checkpoints.publish(4)
    assert checkpoints.steps() == [2, 4] and verl_finds(checkpoints) == 4
    assert not list(checkpoints.staging.iterdir())


@pytest.mark.parametrize(
    "harm, said",
    [
        (lambda folder: (folder / "actor" / "model_world_size_1_rank_0.pt").write_bytes(b"w" * 60), "60 of 100 bytes"),
        (lambda folder: (folder / "data.pt").unlink(), "data.pt is missing"),
        (lambda folder: shutil.rmtree(folder / "actor" / "huggingface"), "config.json is missing"),
        (lambda folder: shutil.rmtree(folder), None),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(checkpoints: Checkpoints, harm, said) -> None:
    publish(checkpoints, 2)
    harm(publish(checkpoints, 4))
    warnings = checkpoints.repair()
    assert checkpoints.latest() == 2 == verl_finds(checkpoints)
    assert [said in warning for warning in warnings] == [True] if said else not warnings


def test_a_copy_of_the_weights_may_be_deleted_but_not_cut_off(checkpoints: Checkpoints) -> None:
    copy = publish(checkpoints, 2) / "actor" / "huggingface" / "model.safetensors"
    copy.write_bytes(b"w" * 20)
    assert "20 of 50 bytes" in str(checkpoints.damage(2))
    copy.unlink()
    assert checkpoints.latest() == 2


def test_the_mark_decides_not_verls_tracker(checkpoints: Checkpoints) -> None:
    publish(checkpoints, 2)
    (publish(checkpoints, 4) / MARK).unlink()
    (checkpoints.path / TRACKER).write_text("2")  # killed between renaming and noting: the other order can't happen
    assert checkpoints.latest() == 2 and "cut off" in checkpoints.repair()[0]


def test_a_checkpoint_of_verl_alone_counts_once_its_tracker_names_it(checkpoints: Checkpoints) -> None:
    (checkpoints.path / "global_step_6" / "actor").mkdir(parents=True)
    assert checkpoints.latest() == 0
    (checkpoints.path / TRACKER).write_text("6")
    assert checkpoints.latest() == 6


@pytest.mark.parametrize("text", ["", "4", "forty"])
def test_verl_gets_a_tracker_that_it_can_read(checkpoints: Checkpoints, text: str) -> None:
    publish(checkpoints, 2)
    (checkpoints.path / TRACKER).write_text(text)
    checkpoints.repair()
    assert verl_finds(checkpoints) == 2
    shutil.rmtree(checkpoints.folder(2))
    (checkpoints.path / TRACKER).write_text(text)
    checkpoints.repair()
    assert verl_finds(checkpoints) == 0


def test_repair_clears_what_was_being_written_or_deleted(checkpoints: Checkpoints) -> None:
    publish(checkpoints, 2)
    stage(checkpoints, 4)
    checkpoints.folder(2).with_name(".doomed-global_step_1").mkdir()
    checkpoints.repair()
    assert sorted(path.name for path in checkpoints.path.iterdir()) == ["global_step_2", TRACKER]


def test_the_last_ones_and_the_best_are_kept_over_restarts(checkpoints: Checkpoints) -> None:
    for step, accuracy in ((2, 0.3), (4, 0.6), (6, 0.5), (8, 0.6), (10, 0.4)):
        publish(checkpoints, step)
        checkpoints.note_accuracy(step, accuracy)
        checkpoints = Checkpoints(checkpoints.path)
        checkpoints.prune(2)
    assert checkpoints.steps() == [4, 8, 10] and checkpoints.best() == (4, 0.6)
    checkpoints.note_accuracy(12, 0.9)  # validated, not saved
    assert checkpoints.best() == (4, 0.6)


def test_the_row_of_a_step_travels_with_its_checkpoint(checkpoints: Checkpoints) -> None:
    publish(checkpoints, 2, {"critic/score/mean": 0.5})
    publish(checkpoints, 4)
    assert checkpoints.row(2) == {"critic/score/mean": 0.5} and checkpoints.row(4) is None
    assert "row.json" in json.loads((checkpoints.folder(2) / MARK).read_text())["files"]


def test_a_step_saved_again_replaces_the_first(checkpoints: Checkpoints) -> None:
    publish(checkpoints, 2, {"a": 1.0})
    publish(checkpoints, 2, {"a": 2.0})
    assert checkpoints.steps() == [2] and checkpoints.row(2) == {"a": 2.0}
