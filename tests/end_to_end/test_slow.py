"""What takes too long for every CI run: another model, two ranks, a run that fails inside a worker."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(2400)]


def train(output: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recipes.train", f"output_root={output}", *overrides]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2300)


def steps_of(output: Path) -> list[int]:
    (metrics,) = output.rglob("metrics.jsonl")
    return [json.loads(line)["step"] for line in metrics.read_text().splitlines()]


def test_a_real_chat_model_trains_four_steps(tmp_path: Path) -> None:
    result = train(tmp_path, "experiment=smollm2_smoke")
    assert result.returncode == 0, result.stdout + result.stderr
    assert steps_of(tmp_path) == [1, 2, 3, 4]


def test_two_ranks(tmp_path: Path) -> None:
    result = train(
        tmp_path,
        "trainer.n_gpus_per_node=2",
        "trainer.total_training_steps=2",
        "trainer.test_freq=2",
        "trainer.val_before_train=false",
        "data.val_max_samples=16",
        "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=32",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert steps_of(tmp_path) == [1, 2]


def test_a_failure_in_a_worker_shows_its_cause_and_the_log(tmp_path: Path) -> None:
    result = train(tmp_path, "actor_rollout_ref.rollout.max_num_seqs=-1")
    assert result.returncode == 1
    assert "max_num_seqs" in result.stdout and "Whole log:" in result.stdout
    (manifest,) = tmp_path.rglob("manifest.json")
    assert json.loads(manifest.read_text())["status"] == "failed"
