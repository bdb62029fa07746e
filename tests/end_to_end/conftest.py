"""Launching real trainings as a user does, in processes that can be told from everybody else's."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
MARK = "RLVR_TEST_RUN"  # inherited by every process of a run, so that nobody else's are counted
STEPS = 3
# Small and fast: 128 responses per step in 4 updates, at a rate that leaves the trust region on both sides in every
# step and does not ruin the model on the way (at 2e-3 nothing is right after the first).
FAST = (
    f"trainer.total_training_steps={STEPS}",
    "trainer.save_freq=3",
    "trainer.test_freq=3",
    "data.train_batch_size=16",
    "data.val_max_samples=16",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.optim.lr=6e-4",
    "actor_rollout_ref.actor.optim.lr_warmup_steps=0",
    "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.rollout.n=8",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=32",
    "actor_rollout_ref.rollout.agent.num_workers=1",  # each is a process that imports vLLM: start-up is what takes time
)
TIMEOUT = 2300  # seconds; each test sets a tighter one of its own


class Launcher:
    """Commands that write under one output folder."""

    def __init__(self, output: Path) -> None:
        self.output = output

    def command(self, *overrides: str, fast: bool = True) -> list[str]:
        """`python -m recipes.train`, by default with sizes that take seconds per step."""
        sizes = FAST if fast else ()
        return [sys.executable, "-m", "recipes.train", f"output_root={self.output}", *sizes, *overrides]

    @property
    def environment(self) -> dict[str, str]:
        """The environment with the mark of this launcher."""
        return {**os.environ, MARK: str(self.output)}

    def run(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run to the end; print the end of the log of a run that failed."""
        result = subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        if result.returncode:
            logs = sorted(self.output.rglob("*.log"))
            print("".join(logs[-1].read_text().splitlines(keepends=True)[-60:]) if logs else "no log")
        return result

    def train(self, *overrides: str, fast: bool = True) -> subprocess.CompletedProcess[str]:
        """Train to the end."""
        return self.run(self.command(*overrides, fast=fast))

    def metrics(self) -> list[dict]:
        """The rows of metrics.jsonl of the only run."""
        (path,) = self.output.rglob("metrics.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def steps(self) -> list[int]:
        """Which steps the only run has logged."""
        return [row["step"] for row in self.metrics()]

    def processes(self) -> list[str]:
        """Command lines of all living processes that inherited the mark."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == str(self.output) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline())[:100])
        return found


@pytest.fixture
def fast_sizes() -> tuple[str, ...]:
    """Overrides for commands that don't go through `Launcher.command`."""
    return FAST


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    """A launcher whose runs are written under the test's own folder."""
    return Launcher(tmp_path)
