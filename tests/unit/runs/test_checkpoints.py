"""A checkpoint counts only if it is whole, and the best one stays."""

import json
import os
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


@pytest.mark.parametrize(
    "gone, said",
    [
        ("actor/model_world_size_1_rank_0.pt", ["model"]),
        ("actor/optim_world_size_1_rank_0.pt", ["optimizer"]),
        ("actor/extra_state_world_size_1_rank_0.pt", ["extra"]),
        ("data.pt", ["data.pt"]),
    ],
)
def test_what_training_needs_and_a_checkpoint_does_not_hold(checkpoints: Checkpoints, gone: str, said) -> None:
    folder = publish(checkpoints, 2)
    assert checkpoints.lacks(2) == []
    (folder / gone).unlink()
    assert checkpoints.lacks(2) == said


def test_the_state_of_every_rank_is_needed(checkpoints: Checkpoints) -> None:
    folder = publish(checkpoints, 2) / "actor"
    (folder / "optim_world_size_1_rank_0.pt").rename(folder / "optim_world_size_2_rank_0.pt")
    assert checkpoints.lacks(2) == ["optimizer"]
    (folder / "optim_world_size_2_rank_1.pt").touch()
    (folder.parent / "critic").mkdir()
    assert checkpoints.lacks(2) == ["critic's model", "critic's optimizer", "critic's extra"]


def test_a_checkpoint_says_whose_it_is(checkpoints: Checkpoints) -> None:
    publish(checkpoints, 2)
    publish(checkpoints, 4, run="abc")
    assert (checkpoints.owner(2), checkpoints.owner(4), checkpoints.owner(6)) == (None, "abc", None)


def test_files_of_a_checkpoint_have_the_mode_of_new_files(checkpoints: Checkpoints) -> None:
    before = os.umask(0o027)
    try:
        (stage(checkpoints, 2) / "actor" / "huggingface" / "model.safetensors").chmod(0o600)
        checkpoints.publish(2)
    finally:
        os.umask(before)
    files = [path for path in checkpoints.folder(2).rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640} and len(files) == 7


DAMAGES = [
    *(b"", b"\0" * 40, b"[]", b"null", b'{"step": 4', b"\xff\xfe", b"[" * 100_000, b'{"files": [], "step": "x"}'),
    b'{"files": [], "step": 4, "accuracy": NaN}',
]


@pytest.mark.parametrize("content", DAMAGES, ids=range(len(DAMAGES)))
def test_damaged_notes_are_no_traceback(checkpoints: Checkpoints, content: bytes) -> None:
    publish(checkpoints, 2, {"a": 1.0})
    folder = publish(checkpoints, 4, {"a": 1.0})
    for file in (folder / MARK, checkpoints.path / "best.json", checkpoints.path / TRACKER):
        file.write_bytes(content)
    (checkpoints.path / "global_step_²").mkdir()
    assert "complete.json" in checkpoints.repair()[0] and checkpoints.latest() == 2 == verl_finds(checkpoints)
    assert checkpoints.best() is None and checkpoints.owner(4) is None
    (checkpoints.folder(2) / "row.json").write_bytes(content)
    checkpoints.row(2)
