"""The same tiny training twice: through recipes.train with DGPO, and with verl's own command, loss, trainer and reward.

Both run one config. The stock side gets ours, composed and resolved, with the few keys changed that name our code
(`as_stock`), so that nothing else differs. One thing cannot: verl has no CPU platform, so its side loads this project's
plug-in for that, too.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from benchmarks.measure import process_tree
from recipes.common import processes
from recipes.config.compose import quoted
from recipes.runs.metrics_file import read_metrics
from recipes.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
OURS, STOCK = "recipes.train, dgpo", "verl, vanilla"
# 128 responses per step in 4 updates, as in the end-to-end tests: seconds per step.
SIZES = (
    "data.train_batch_size=16",
    "data.val_max_samples=16",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.rollout.n=8",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=32",
    "actor_rollout_ref.rollout.agent.num_workers=1",
    "trainer.save_freq=-1",
    "trainer.test_freq=-1",
    "trainer.project_name=benchmark",
)
LIMIT = 1200.0  # seconds of one training


def results_folder(subject: str) -> Path:
    """Where a measurement keeps the files of its trainings; not made yet."""
    return ROOT / "outputs" / "benchmarks" / time.strftime(f"{subject}-%Y%m%d-%H%M%S")


@dataclass(frozen=True)
class Training:
    """One run of one side.

    Attributes:
        folder: of its files; kept.
        command: what starts it.
    """

    folder: Path
    command: list[str]

    @property
    def output(self) -> Path:
        """What the command printed."""
        return self.folder / "output.log"

    @property
    def logs(self) -> list[Path]:
        """Every log, those of our run folder included."""
        return [self.output, *RunFolder.logs_below(self.folder)]

    @property
    def metrics(self) -> Path:
        """Rows by step, wherever the side writes them."""
        (path,) = [*(run.metrics for run in RunFolder.found(self.folder)), *self.folder.glob("stock.jsonl")]
        return path

    @contextlib.contextmanager
    def started(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The process; no child of this process, old or new, is left at the end of the block."""
        processes.adopt_orphans()
        # recipes.train sets both itself.
        own = {"VERL_FILE_LOGGER_PATH": self.folder / "stock.jsonl", "TENSORBOARD_DIR": self.folder / "tensorboard"}
        environment = {**os.environ, **{name: str(path) for name, path in own.items()}}
        with self.output.open("wb") as log:
            process = subprocess.Popen(self.command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            try:
                yield process
            finally:
                process_tree.end(process)
                processes.end_descendants()  # Ray's processes outlive a driver that was killed

    def check(self, process: "subprocess.Popen[bytes]") -> None:
        """Raises RuntimeError where the training failed."""
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode} of {' '.join(self.command)}; see {self.folder}")

    def rows(self) -> list[dict[str, Any]]:
        """Metrics of every step of training."""
        return [row["data"] for row in read_metrics(self.metrics) if "timing_s/step" in row["data"]]


def ours(folder: Path, *overrides: str) -> Training:
    """Through recipes.train, with DGPO."""
    folder.mkdir(parents=True)
    return Training(folder, [sys.executable, "-m", "recipes.train", *_overrides(folder, "dgpo", overrides)])


def stock(folder: Path, *overrides: str) -> Training:
    """Through verl's own command; composing our config for it also makes model and data."""
    folder.mkdir(parents=True)
    composed = [sys.executable, "-m", "recipes.train", *_overrides(folder, "grpo", overrides), "dry_run=true"]
    config = subprocess.run(composed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    OmegaConf.save(as_stock(DictConfig(OmegaConf.create(config))), folder / "stock.yaml")
    command = [sys.executable, "-m", "verl.trainer.main_ppo", f"--config-path={folder}", "--config-name=stock"]
    return Training(folder, [*command, "hydra.output_subdir=null", f"hydra.run.dir={quoted(str(folder))}"])


def _overrides(folder: Path, method: str, overrides: Sequence[str]) -> list[str]:
    return [f"policy_loss={method}", f"output_root={quoted(str(folder))}", *SIZES, *overrides]


def as_stock(config: DictConfig) -> DictConfig:
    """Our config with verl's loss, trainer and reward."""
    config.actor_rollout_ref.actor.policy_loss = {
        "_target_": "verl.workers.config.PolicyLossConfig",
        "loss_mode": "vanilla",
    }
    config.trainer.v1.trainer_mode = "sync"
    config.reward.custom_reward_function = {
        "path": str(Path(__file__).with_name("stock_reward.py")),
        "name": "compute_score",
    }
    return config
