"""The run folder can be written, and holds no other run."""

import tempfile
from pathlib import Path

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.common.files import existing_parent
from recipes.runs.resume import Resume
from recipes.runs.run_folder import RunFolder


def check_writable(config: DictConfig) -> None:
    """The run folder can be created."""
    folder = existing_parent(Path(config.run_dir))
    try:
        tempfile.TemporaryFile(dir=folder).close()  # root may write anywhere, but not to a read-only file system
    except OSError as error:
        raise UserError(
            f"run_dir={config.run_dir}: {folder} is not a writable folder ({error.strerror}). "
            "Write output_root=<one that is>."
        ) from error


def refuse_losing_results(folder: RunFolder, last: int) -> None:
    """Raise UserError when a finished run could only be prolonged by training it again from the start."""
    run = Resume.of(folder)
    if folder.manifest.status == "finished" and not run.is_complete(last) and not run.from_step:
        raise UserError(
            f"{folder.path} holds a finished run of {run.logged_step} steps without a checkpoint, so it can't go on to "
            f"trainer.total_training_steps={last}. Write trainer.experiment_name=<a new name>, or "
            "on_existing=restart to move the old run aside."
        )


def check_run_folder(config: DictConfig) -> None:
    """The run folder can be written, and holds no other run.

    Raises:
        UserError: names the key and what to write.
    """
    check_writable(config)
    folder = RunFolder.of(config)
    if folder.exists() and config.on_existing == "continue":
        folder.refuse_other_config(config)
        refuse_losing_results(folder, config.trainer.total_training_steps)
