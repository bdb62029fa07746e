"""The run folder can be written, and holds no other run."""

import os
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from recipes.common.errors import UserError
from recipes.common.files import existing_parent, why_not_writable
from recipes.runs.checkpoints import STATE
from recipes.runs.resume import Resume
from recipes.runs.run_folder import CONFIG, METRICS, PARTS, RunFolder

CHECKPOINT = "actor_rollout_ref.actor.checkpoint"
LONGEST_PATH, LONGEST_PART = 3800, 255  # bytes; Linux takes 4,096 of a path


def check_writable(config: DictConfig) -> None:
    """The run folder can be created, and names within it have room."""
    path = os.fsencode(Path(config.run_dir).absolute())
    if len(path) > LONGEST_PATH or max(map(len, path.split(b"/"))) > LONGEST_PART:
        raise UserError(
            f"run_dir={config.run_dir[:100]}…: {len(path):,} bytes. At most {LONGEST_PATH:,} leave room for the files "
            f"within, and {LONGEST_PART} for a folder's name. Write a shorter output_root."
        )
    if why := why_not_writable(Path(config.run_dir)):
        folder = existing_parent(Path(config.run_dir))
        raise UserError(
            f"run_dir={config.run_dir}: {folder} is not a writable folder ({why}). Write output_root=<one that is>."
        )


def refuse_losing_results(folder: RunFolder, last: int) -> None:
    """Raise UserError when a finished run could only be prolonged by training it again from the start."""
    run = Resume.of(folder)
    if folder.manifest.status == "finished" and not run.is_complete(last) and not run.from_step:
        raise UserError(
            f"{folder.path} holds a finished run of {run.logged_step} steps without a checkpoint, so it can't go on to "
            f"trainer.total_training_steps={last}. Write trainer.experiment_name=<a new name>, or "
            "on_existing=restart to move the old run aside."
        )


def check_owned(config: DictConfig) -> None:
    """What a run writes stands in its folder.

    Checkpoints elsewhere would be those of another run: continued, and deleted, by this one.

    Raises:
        UserError: names the key and what to write.
    """
    run = RunFolder.of(config)
    places = {
        "trainer.default_local_dir": run.checkpoints.path,
        "trainer.rollout_data_dir": run.responses("train"),
        "trainer.validation_data_dir": run.responses("validation"),
    }
    for key, place in places.items():
        given = OmegaConf.select(config, key)
        may_be_off = key != "trainer.default_local_dir"  # null: no such files
        if given is None and may_be_off:
            continue
        if not isinstance(given, str) or Path(given).absolute() != place.absolute():
            raise UserError(
                f"{key}={given}: a run's files stand in its own folder. Write output_root=<folder> to have all of them "
                f"elsewhere, and leave this key out (it is {place})."
            )
    for key in ("trainer.default_hdfs_dir", "trainer.resume_from_path"):
        if OmegaConf.select(config, key):
            raise UserError(
                f"{key}={OmegaConf.select(config, key)}: a run is continued from its own last checkpoint, and nothing "
                f"else reads or writes one. Write {key}=null."
            )


def refuse_foreign(folder: RunFolder) -> None:
    """Nothing here is another run's or somebody's work: neither a run inside the folder, nor the checkpoints.

    on_existing=restart moves the whole folder aside.

    Raises:
        UserError: names what is, and what to do.
    """
    inside = [file.parent for name in (CONFIG, METRICS) for file in folder.path.glob(f"*/{name}")]
    if inside:
        raise UserError(
            f"run_dir={folder.path} holds other runs ({inside[0].name}, for one). Write run_dir=<a folder of its own>, "
            "or leave it out and write output_root."
        )
    names = {entry.name for entry in folder.path.iterdir()} if folder.path.is_dir() else set()
    for name in sorted(names & set(PARTS)):
        part = folder.path / name
        if part.is_dir() == bool(part.suffix):
            kinds = ("folder", "file") if part.is_dir() else ("file", "folder")
            raise UserError(
                f"run_dir={folder.path}: {name} is a {kinds[0]}, and a run has a {kinds[1]} of that name. Move it "
                "away, or write trainer.experiment_name=<a new name>."
            )
    others = sorted(name for name in names - set(PARTS) if not name.startswith("."))
    if others and not names & (set(PARTS) - {CONFIG}):
        raise UserError(
            f"run_dir={folder.path} is no run's: it holds {others[0]}. Write run_dir=<a folder of its own>, or leave "
            "it out and write output_root."
        )
    own, checkpoints = folder.manifest.content.get("run_id"), folder.checkpoints
    if not folder.exists() and checkpoints.steps():
        raise UserError(
            f"{checkpoints.path} holds checkpoints, and beside it no {CONFIG} says what they were trained with. Move "
            "the folder away, or write trainer.experiment_name=<a new name>."
        )
    for step in checkpoints.steps():
        owner = checkpoints.owner(step)
        if own is not None and owner is not None and owner != own:
            raise UserError(
                f"{checkpoints.folder(step)} was written by run {owner}, and {folder.path} is run {own}. Move it back, "
                "or write trainer.experiment_name=<a new name>."
            )


def refuse_half_a_state(folder: RunFolder, config: DictConfig) -> None:
    """A checkpoint that training goes on from holds, and hands over, all of its state.

    Raises:
        UserError: says what is missing, and what to do.
    """
    step = folder.checkpointed_step()
    if not step or Resume.of(folder).is_complete(config.trainer.total_training_steps):
        return
    if missing := folder.checkpoints.lacks(step):
        raise UserError(
            f"{folder.checkpoints.folder(step)} lacks {', '.join(missing)}, so training can't go on from it (what is "
            f"saved is told by {CHECKPOINT}.save_contents). Write on_existing=restart to move the run aside and begin "
            "anew, or trainer.experiment_name=<a new name>."
        )
    given = OmegaConf.select(config, f"{CHECKPOINT}.load_contents") or list(STATE)
    if left_out := [word for word in STATE if word not in given]:
        raise UserError(
            f"{CHECKPOINT}.load_contents={list(given)}: without {', '.join(left_out)} the run would not go on as it "
            f"was. Write {CHECKPOINT}.load_contents=[{','.join(STATE)}]."
        )


def check_run_folder(config: DictConfig) -> None:
    """The run folder can be written, and holds no other run.

    Raises:
        UserError: names the key and what to write.
    """
    check_owned(config)
    check_writable(config)
    folder = RunFolder.of(config)
    refuse_foreign(folder)
    if folder.exists() and config.on_existing == "continue":
        folder.refuse_other_config(config)
        refuse_losing_results(folder, config.trainer.total_training_steps)
        refuse_half_a_state(folder, config)
