"""A run whose disk fills up, or whose process is killed, at one point after the other; prints what came of it.

All is as in `python -m recipes.train` but for what verl computes: steps write what verl and the trainer would.
"""

import os
import sys
from pathlib import Path

from checkpoint_files import stage
from faulty_disk import Disk
from faulty_tries import try_all
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from verl.utils.tracking import FileLogger

from recipes.checks import run_folder
from recipes.common import processes
from recipes.common.files import write_atomically
from recipes.report import summary
from recipes.report.page import build
from recipes.runs import manifest
from recipes.runs.metrics_file import AttemptFile
from recipes.runs.run_folder import RunFolder
from recipes.runs.stopping import StopFiles
from recipes.train import session

STEPS = 2


def small_config(root: Path) -> DictConfig:
    """What of a config the files of a run depend on."""
    folder = root / "out" / "made" / "run"
    trainer = {
        "project_name": "made",
        "experiment_name": folder.name,
        "total_training_steps": STEPS,
        "test_freq": 1,
        "val_before_train": False,
        "logger": ["file", "tensorboard"],
        "default_local_dir": str(folder / "checkpoints"),
        "rollout_data_dir": None,
        "validation_data_dir": None,
    }
    actor = {"optim": {"lr_scheduler_type": "constant"}, "checkpoint": {"save_contents": ["model", "hf_model"]}}
    return OmegaConf.create(
        {
            **{"seed": 0, "on_existing": "continue", "output_root": str(root / "out"), "run_dir": str(folder)},
            **{"trainer": trainer, "actor_rollout_ref": {"actor": actor, "rollout": {"val_kwargs": {"n": 4}}}},
        }
    )


class Training:
    """In the place of verl: every step saves, validates and logs, in the trainer's order."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __call__(self, config: DictConfig, folder: RunFolder, metrics: AttemptFile, console: Console) -> None:
        os.environ["VERL_FILE_LOGGER_PATH"] = str(metrics.source)
        checkpoints, stop, logger = folder.checkpoints, StopFiles(folder.path), FileLogger("project", "name")
        stop.offer()
        first = folder.checkpointed_step()
        if config.trainer.val_before_train:
            logger.log({"val-core/x/acc/mean@4": first / 10}, first)
        for step in range(first + 1, config.trainer.total_training_steps + 1):
            row = {"critic/score/mean": step / 10, "training/global_step": step}
            with self._disk.unwatched():  # what verl writes; that it breaks off is one point
                staged = stage(checkpoints, step)
            (staged / "data.pt").write_bytes(b"d" * 20)
            checkpoints.publish(step, row, folder.manifest.run_id)
            checkpoints.prune(1)
            checkpoints.note_accuracy(step, step / 10)
            logger.log({**row, "val-core/x/acc/mean@4": step / 10}, step)
            metrics.new_rows()
        logger.finish()


def train(config: DictConfig) -> int:
    """`python -m recipes.train`, from its last check on."""
    run_folder.check_run_folder(config)
    return session.run_session(config.copy())


def wrong_in(folder: RunFolder) -> str:
    """What is not as a finished run leaves it."""
    steps = [row["step"] for row in folder.rows()]
    left = [path for path in folder.path.rglob("*.partial") if path != folder.checkpoints.staging]
    facts = {
        "steps": steps == list(range(1, STEPS + 1)),
        "checkpoint": folder.checkpointed_step() == STEPS and folder.checkpoints.damage(STEPS) is None,
        "status": folder.manifest.status == "finished",
        "page": folder.report.is_file() and folder.curves.is_file(),
        "nothing left": not left and not list(folder.checkpoints.path.glob(".*/*")),
    }
    return ", ".join(name for name, holds in facts.items() if not holds)


def simplify(disk: Disk) -> None:
    """Take out what does not touch the run's files and costs time or processes."""
    processes.end_descendants = lambda: 0  # type: ignore[assignment]
    session._train = Training(disk)  # type: ignore[assignment]
    session.loaded_back.flaw = lambda folder: ""  # the weights are none
    for module, name, value in (
        (manifest, "machine", {}),
        (manifest, "git_state", {}),
        (manifest, "versions", {}),
        (build, "page_data", {}),
        (build, "document", "<html>" * 1000),
    ):
        setattr(module, name, lambda *_, value=value: value)
    summary.draw_curves = lambda rows, picture, *_: write_atomically(picture, b"PNG")  # type: ignore[assignment]


def main(folder: str, every: int) -> None:
    """Print what came of each point, or of every so many, as JSON."""
    disk = Disk(Path(folder))
    simplify(disk)
    config = small_config(Path(folder))
    run = RunFolder.of(config)
    try_all(disk, Path(config.output_root), lambda: train(config), lambda: wrong_in(run), every)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
