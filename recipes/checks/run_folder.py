"""The run folder can be written, and holds no other run."""

import tempfile
from pathlib import Path

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.common.files import existing_parent
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


def check_run_folder(config: DictConfig) -> None:
    """The run folder can be written, and holds no other run.

    Raises:
        UserError: names the key and what to write.
    """
    check_writable(config)
    folder = RunFolder.of(config)
    if folder.exists() and config.on_existing == "continue":
        folder.refuse_other_config(config)
        folder.refuse_losing_results(config)
