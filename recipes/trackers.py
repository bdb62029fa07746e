"""Experiment trackers over several attempts at a run: one run there as well, without the steps that are made again."""

from pathlib import Path


def environment(run: Path, run_id: str) -> dict[str, str]:
    """Variables from which the trackers that verl starts learn where to write and which run to go on with.

    Args:
        run: folder of the run.
        run_id: the same for all attempts.
    """
    return {
        "TENSORBOARD_DIR": str((run / "tensorboard").absolute()),
        "WANDB_RUN_ID": run_id,
        "WANDB_RESUME": "allow",
        "SWANLAB_RUN_ID": run_id,
        "SWANLAB_RESUME": "allow",
    }


def resume(run: Path, first: int) -> None:
    """Tell TensorBoard that what was logged after step `first` is void.

    Args:
        run: folder of the run.
        first: step that this attempt starts from.
    """
    folder = run / "tensorboard"
    if folder.is_dir():
        from torch.utils.tensorboard import SummaryWriter

        SummaryWriter(str(folder), purge_step=first + 1).close()
