"""What a run folder may be used for, and what is never overwritten."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from recipes.errors import UserError
from recipes.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.write_config(OmegaConf.create({"seed": 0, "trainer": {"total_training_steps": 3}, "lr": 1.0}))
    return run


def test_a_longer_run_of_the_same_config_is_accepted(folder: RunFolder) -> None:
    folder.refuse_other_config(OmegaConf.create({"seed": 0, "trainer": {"total_training_steps": 9}, "lr": 1.0}))


def test_another_config_is_refused_with_the_keys_that_differ(folder: RunFolder) -> None:
    with pytest.raises(UserError, match=r"lr: 1\.0 there, 2\.0 now") as error:
        folder.refuse_other_config(OmegaConf.create({"seed": 0, "trainer": {"total_training_steps": 3}, "lr": 2.0}))
    assert "trainer.experiment_name" in str(error.value)


def test_steps_after_the_checkpoint_are_dropped_and_so_is_a_torn_line(folder: RunFolder) -> None:
    folder.metrics.write_text("".join(json.dumps({"step": s, "data": {}}) + "\n" for s in range(5)) + '{"step": 5, "da')
    folder.trim_metrics(3)
    assert [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()] == [0, 1, 2, 3]


def test_restart_keeps_the_old_run(folder: RunFolder) -> None:
    aside = folder.move_aside()
    assert not folder.path.exists() and (aside / "config.yaml").is_file()


def test_the_latest_checkpoint_is_found(folder: RunFolder) -> None:
    assert folder.checkpointed_step() == 0 and folder.hugging_face_checkpoint() is None
    (folder.checkpoints / "global_step_20" / "actor" / "huggingface").mkdir(parents=True)
    (folder.checkpoints / "latest_checkpointed_iteration.txt").write_text("20")
    assert folder.checkpointed_step() == 20
    assert folder.hugging_face_checkpoint() == folder.checkpoints / "global_step_20" / "actor" / "huggingface"
