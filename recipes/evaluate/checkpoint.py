"""Whatever a user calls a model: a hub id, a folder, a run of this project, or one of verl's checkpoints."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.inputs import model_folder
from recipes.inputs.merged import merged
from recipes.runs.checkpoints import step_of
from recipes.runs.run_folder import RunFolder


@dataclass(frozen=True)
class Checkpoint:
    """A model that vLLM can load.

    Attributes:
        path: hub id or Hugging Face folder.
        name: short, for the folder of its evaluation.
        run: of this project, where the model is from one.
        step: of that run.
    """

    path: str
    name: str
    run: RunFolder | None = None
    step: int | None = None

    @property
    def run_config(self) -> DictConfig | None:
        """What the run was trained with."""
        return self.run.read_config() if self.run else None


def find(given: str) -> Checkpoint:
    """Say what `given` is; merge the shards of a verl checkpoint that has no Hugging Face copy.

    Args:
        given: hub id, Hugging Face folder, run folder (its last checkpoint), global_step_N folder, or its actor folder.

    Raises:
        UserError: it is none of these.
    """
    if not model_folder.is_local(given):
        return Checkpoint(given, given.rsplit("/", 1)[-1])
    folder = Path(given).expanduser().absolute()
    if folder.name == "actor" and step_of(folder.parent) is not None:
        folder = folder.parent
    run = RunFolder(folder)
    if run.exists() and run.checkpoints.path.is_dir():
        step = run.checkpointed_step()
        if not step:
            raise UserError(
                f"{folder} has no checkpoint (checkpoints/latest_checkpointed_iteration.txt). Train it with "
                "trainer.save_freq=<steps>, or name a model folder."
            )
        folder = run.checkpoints.folder(step)
    if (its_step := step_of(folder)) is not None:
        return _verl_checkpoint(folder, its_step)
    model_folder.check(str(folder))
    return Checkpoint(str(folder), folder.name)


def _verl_checkpoint(folder: Path, step: int) -> Checkpoint:
    if not (folder / "actor").is_dir():
        raise UserError(f"{folder} is no checkpoint of verl: it lacks the folder actor.")
    model = str(merged(folder / "actor"))
    run = RunFolder(folder.parent.parent)
    if not run.exists():
        return Checkpoint(model, f"{folder.parent.name}-step{step}")
    return Checkpoint(model, run.checkpoint_name(step), run, step)
