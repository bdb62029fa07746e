"""What a run folder may be used for, and what is never overwritten."""

import json
from pathlib import Path

import pytest
from checkpoint_files import publish
from omegaconf import DictConfig, OmegaConf

from recipes.checks.run_folder import (
    CHECKPOINT,
    check_owned,
    check_writable,
    refuse_foreign,
    refuse_half_a_state,
    refuse_losing_results,
)
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


def test_a_run_that_can_fill_no_batch_goes_on_without_dynamic_sampling(folder: RunFolder) -> None:
    dynamic, every = ({"algorithm": {"filter_groups": {"enable": chosen}}} for chosen in (True, False))
    folder.write_config(OmegaConf.merge(config(), dynamic))
    folder.refuse_other_config(OmegaConf.merge(config(), every))


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


def placed(folder: RunFolder, **trainer: object) -> DictConfig:
    own = {
        "default_local_dir": str(folder.path / "checkpoints"),
        "rollout_data_dir": str(folder.path / "generations" / "train"),
        "validation_data_dir": str(folder.path / "generations" / "validation"),
    }
    return OmegaConf.create({"run_dir": str(folder.path), "trainer": own | trainer})


@pytest.mark.parametrize(
    "key", ["default_local_dir", "rollout_data_dir", "validation_data_dir", "default_hdfs_dir", "resume_from_path"]
)
def test_a_runs_files_cannot_be_pointed_elsewhere(folder: RunFolder, key: str) -> None:
    check_owned(placed(folder))
    with pytest.raises(UserError, match=rf"trainer\.{key}=/of/another/run: .*"):
        check_owned(placed(folder, **{key: "/of/another/run"}))


@pytest.mark.parametrize("key", ["default_local_dir", "rollout_data_dir", "validation_data_dir"])
@pytest.mark.parametrize("value", [-1, ["a"]])
def test_what_is_no_path_is_no_place_for_a_runs_files(folder: RunFolder, key: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"trainer\.{key}=.*leave this key out"):
        check_owned(placed(folder, **{key: value}))


@pytest.mark.parametrize("name", ["metrics.jsonl", "manifest.json", "config.yaml"])
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(
        UserError, match=rf"run_dir=.*: {name} is a folder, and a run has a file of that name\. Move it"
    ):
        refuse_foreign(RunFolder(tmp_path))
    (tmp_path / name).rmdir()
    (tmp_path / "checkpoints").touch()
    with pytest.raises(UserError, match="checkpoints is a file, and a run has a folder"):
        refuse_foreign(RunFolder(tmp_path))


def test_responses_may_be_left_out_but_not_checkpoints(folder: RunFolder) -> None:
    check_owned(placed(folder, rollout_data_dir=None, validation_data_dir=None))
    with pytest.raises(UserError, match="default_local_dir=None"):
        check_owned(placed(folder, default_local_dir=None))


def test_a_folder_of_other_runs_is_no_run_folder(folder: RunFolder) -> None:
    refuse_foreign(folder)
    with pytest.raises(UserError, match="holds other runs \\(run, for one\\)"):
        refuse_foreign(RunFolder(folder.path.parent))


@pytest.mark.parametrize("names", [["train"], ["src", "README.md"], ["src", "config.yaml"]])
def test_a_folder_of_something_else_is_no_run_folder(tmp_path: Path, names: list[str]) -> None:
    """As with run_dir=. : on_existing=restart would move all of it aside."""
    run = RunFolder(tmp_path)
    (tmp_path / ".git").mkdir()
    refuse_foreign(run)
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"is no run's: it holds .*output_root"):
        refuse_foreign(run)
    (tmp_path / "manifest.json").write_text("{}")
    refuse_foreign(run)  # whoever keeps notes in the folder of a run may


@pytest.mark.parametrize("path", ["x" * 256, "/".join(["y" * 200] * 20)])
def test_a_path_without_room_for_files_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UserError, match="Write a shorter output_root"):
        check_writable(OmegaConf.create({"run_dir": str(tmp_path / path)}))


def test_checkpoints_of_another_run_are_refused(folder: RunFolder) -> None:
    folder.manifest.start_attempt(seed=0, log=folder.path / "log", from_step=0)
    publish(folder.checkpoints, 2, run=folder.manifest.run_id)
    publish(folder.checkpoints, 4)  # written before 0.2
    refuse_foreign(folder)
    publish(folder.checkpoints, 6, run="of-another")
    with pytest.raises(UserError, match="global_step_6 was written by run of-another"):
        refuse_foreign(folder)


def test_checkpoints_without_a_config_are_refused(folder: RunFolder) -> None:
    publish(folder.checkpoints, 2)
    folder.config.unlink()
    with pytest.raises(UserError, match="no config\\.yaml says what they were trained with"):
        refuse_foreign(folder)


def test_training_does_not_go_on_from_half_a_state(folder: RunFolder) -> None:
    publish(folder.checkpoints, 2)
    refuse_half_a_state(folder, config())
    partly = OmegaConf.merge(config(), OmegaConf.from_dotlist([f"{CHECKPOINT}.load_contents=[model]"]))
    with pytest.raises(UserError, match=r"load_contents=\['model'\]: without optimizer, extra"):
        refuse_half_a_state(folder, partly)
    (folder.checkpoints.folder(2) / "actor" / "optim_world_size_1_rank_0.pt").unlink()
    (folder.checkpoints.folder(2) / "complete.json").unlink()  # as verl would have left it
    with pytest.raises(UserError, match=r"global_step_2 lacks optimizer"):
        refuse_half_a_state(folder, config())
    write_steps(folder, 1, 2, 3)
    refuse_half_a_state(folder, config())  # nothing is left to train


DAMAGES = [
    *(b"", b"\0" * 40, b"[]", b'{"run_id": "a', b"\xff\xfe", b"[" * 100_000),
    b'{"attempts": [null], "to": "${prepared:model}"}',
]


@pytest.mark.parametrize("content", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_manifest_or_config_is_named(folder: RunFolder, content: bytes) -> None:
    folder.manifest.start_attempt(seed=0, log=folder.path / "log", from_step=0)
    (folder.path / "manifest.json").write_bytes(content)
    with pytest.raises(UserError, match=r"manifest\.json is damaged"):
        refuse_losing_results(folder, 3)
    folder.config.write_bytes(content)
    with pytest.raises(UserError, match=r"config\.yaml is damaged"):
        folder.refuse_other_config(config())


def test_what_was_moved_aside_stays(folder: RunFolder) -> None:
    """Also when two go within a second."""
    for seed in range(3):
        folder.write_config(config(seed=seed))
        assert RunFolder(folder.move_aside()).read_config().seed == seed
    assert len(list(folder.path.parent.iterdir())) == 3


def test_a_run_whose_manifest_is_lost_keeps_its_id(folder: RunFolder) -> None:
    publish(folder.checkpoints, 2, run="abc")
    folder.manifest.start_attempt(seed=0, log=folder.path / "log", from_step=2, run_id=folder.checkpoints.owner(2))
    assert folder.manifest.run_id == "abc"
