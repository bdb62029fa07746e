"""Real runs that are asked to end, are damaged, share a machine, or learn nothing; benchmarks/kills.py has kill -9."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(2400)]
QUICK = ("trainer.test_freq=-1", "trainer.val_before_train=false")


@contextmanager
def started(launcher, *overrides: str) -> Iterator["subprocess.Popen[str]"]:
    """A training in the background."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        launcher.command(*overrides), env=launcher.environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def logged(launcher) -> int:
    files = list(launcher.output.rglob("metrics.jsonl"))
    return max((json.loads(line)["step"] for line in files[0].read_text().splitlines()), default=0) if files else 0


def wait_for_step(launcher, process, step: int) -> None:
    deadline = time.monotonic() + 900
    while logged(launcher) < step:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate(timeout=60)
        time.sleep(0.05)


def one(launcher, pattern: str):
    (found,) = launcher.output.rglob(pattern)
    return found


# At once: the next batch is being generated; later: anywhere in the step, the update included.
@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_sigterm_saves_what_was_learnt_and_the_run_goes_on(launcher, delay: float) -> None:
    steps = ("trainer.total_training_steps=8", "trainer.save_freq=100", *QUICK)
    with started(launcher, *steps) as process:
        wait_for_step(launcher, process, 2)
        time.sleep(delay)
        process.terminate()
        output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    assert "SIGTERM: saving a checkpoint, then ending" in output
    done = logged(launcher)
    assert f"continues from step {done}" in output and 2 <= done < 8
    assert one(launcher, "global_step_*").name == f"global_step_{done}"
    assert launcher.processes() == []
    result = launcher.train(*steps)
    assert result.returncode == 0, result.stdout
    assert launcher.steps() == list(range(1, 9))
    seen = [one(launcher, f"generations/train/{step}.jsonl").read_text() for step in range(1, 9)]
    problems = [{json.loads(line)["input"] for line in text.splitlines()} for text in seen]
    assert len(set.union(*problems)) == 8 * 16, "no problem twice, none left out: the data loader went on where it was"


def test_a_damaged_checkpoint_is_passed_over(launcher) -> None:
    steps = ("trainer.total_training_steps=4", "trainer.save_freq=1", *QUICK)
    assert launcher.train(*steps).returncode == 0
    damaged = next(one(launcher, "global_step_4").rglob("model_world_size_*.pt"))
    damaged.write_bytes(damaged.read_bytes()[:1000])
    result = launcher.train("trainer.total_training_steps=5", *steps[1:])
    assert result.returncode == 0, result.stdout
    assert "global_step_4 can't be used" in result.stdout and "from step 3 of 5" in result.stdout
    assert launcher.steps() == [1, 2, 3, 4, 5]


def test_updates_that_ruin_the_model_stop_the_run(launcher) -> None:
    result = launcher.train("actor_rollout_ref.actor.optim.lr=0.9", "trainer.v1.rlvr.skipped_update_limit=2", *QUICK)
    assert result.returncode == 1
    assert "BrokenUpdatesError: 3 updates" in result.stdout and "optim.lr" in result.stdout
    (row,) = launcher.metrics()
    assert row["data"]["actor/skipped_updates"] == 0.75
    assert all(math.isfinite(value) for value in row["data"].values() if isinstance(value, float))


def test_a_transfer_that_loses_a_bucket_ends_the_run(launcher) -> None:
    engine = "actor_rollout_ref.rollout.engine_kwargs.vllm.worker_extension_cls=losing_worker.LosingWorkerExtension"
    small = "actor_rollout_ref.rollout.checkpoint_engine.update_weights_bucket_megabytes=1"
    support = {"PYTHONPATH": str(Path(__file__).parents[1] / "support")}
    result = launcher.run(launcher.command(engine, small, "trainer.save_freq=1", *QUICK), **support)
    assert result.returncode == 1
    assert "StaleWeightsError: After the transfer of step 1 vLLM does not hold the trainer's weights" in result.stdout
    assert not logged(launcher), "nothing was learnt from what it would have generated"
    assert one(launcher, "global_step_*").name == "global_step_1"
    assert one(launcher, "generations/train/1.jsonl").stat().st_size, "a checkpoint's step has its responses"


def test_two_runs_on_one_machine_keep_their_weights_apart(launcher, tmp_path) -> None:
    names = ("a", "b")
    runs = []
    for name in names:
        words = [f"trainer.experiment_name={name}", "trainer.total_training_steps=3", *QUICK]
        runs.append(subprocess.Popen([*launcher.command(*words)], env=launcher.environment, stdout=sys.stderr))
    assert [run.wait(1200) for run in runs] == [0, 0]
    for name in names:
        # Rollout and actor agree on the log-probabilities only if vLLM has this run's weights.
        rows = (launcher.output / "train" / name / "metrics.jsonl").read_text().splitlines()
        differences = [json.loads(row)["data"]["training/rollout_probs_diff_mean"] for row in rows]
        assert max(differences) < 0.01, differences
