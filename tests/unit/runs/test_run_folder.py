"""What a run folder may be used for, and what is never overwritten."""

import json
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from recipes.checks.run_folder import refuse_losing_results
from recipes.common.errors import UserError
from recipes.runs.run_folder import RunFolder


def config(steps: int = 3, seed: int = 0, schedule: str = "constant") -> DictConfig:
    optim = {"lr_scheduler_type": schedule}
    content = {
        "seed": seed,
        "trainer": {"total_training_steps": steps},
        "actor_rollout_ref": {"actor": {"optim": optim}},
    }
    return OmegaConf.create(content)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.write_config(config())
    return run


def write_steps(folder: RunFolder, *steps: int) -> None:
    folder.metrics.write_text("".join(json.dumps({"step": step, "data": {}}) + "\n" for step in steps))


def test_a_longer_run_at_a_constant_rate_is_accepted(folder: RunFolder) -> None:
    folder.refuse_other_config(config(steps=9))


def test_a_longer_run_of_a_schedule_that_has_ended_is_refused(folder: RunFolder) -> None:
    folder.write_config(config(schedule="cosine"))
    with pytest.raises(UserError, match="total_training_steps"):
        folder.refuse_other_config(config(steps=9, schedule="cosine"))


def test_a_finished_run_without_checkpoint_is_not_trained_over(folder: RunFolder) -> None:
    write_steps(folder, 0, 1, 2, 3)
    manifest = folder.manifest
    manifest.start_attempt(seed=0, log=folder.path / "log", from_step=0)
    manifest.end_attempt("finished")
    refuse_losing_results(folder, 3)
    with pytest.raises(UserError, match="without a checkpoint"):
        refuse_losing_results(folder, 9)


def test_another_config_is_refused_with_the_keys_that_differ(folder: RunFolder) -> None:
    with pytest.raises(UserError, match=r"seed: 0 there, 1 now") as error:
        folder.refuse_other_config(config(seed=1))
    assert "trainer.experiment_name" in str(error.value)


def test_restart_keeps_the_old_run(folder: RunFolder) -> None:
    aside = folder.move_aside()
    assert not folder.path.exists() and (aside / "config.yaml").is_file()


def test_the_latest_checkpoint_is_found(folder: RunFolder) -> None:
    assert folder.checkpointed_step() == 0 and folder.hugging_face_checkpoint() is None
    (folder.checkpoints.path / "global_step_20" / "actor" / "huggingface").mkdir(parents=True)
    (folder.checkpoints.path / "latest_checkpointed_iteration.txt").write_text("20")
    assert folder.checkpointed_step() == 20
    assert folder.hugging_face_checkpoint() == folder.checkpoints.path / "global_step_20" / "actor" / "huggingface"


def test_a_checkpoint_tracker_that_was_cut_off_counts_as_none(folder: RunFolder) -> None:
    folder.checkpoints.path.mkdir()
    (folder.checkpoints.path / "latest_checkpointed_iteration.txt").write_text("")
    assert folder.checkpointed_step() == 0
