"""What takes too long for every CI run: another model, two ranks, a run that fails inside a worker."""

import json

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(2400)]


def test_a_real_chat_model_trains_four_steps(launcher) -> None:
    result = launcher.train("experiment=smollm2_smoke", fast=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert launcher.steps() == [1, 2, 3, 4]


def test_two_ranks(launcher) -> None:
    result = launcher.train(
        "trainer.n_gpus_per_node=2",
        "trainer.total_training_steps=2",
        "trainer.test_freq=2",
        "trainer.val_before_train=false",
        "data.val_max_samples=16",
        "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=32",
        fast=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert launcher.steps() == [1, 2]


def test_a_failure_in_a_worker_shows_its_cause_and_the_log(launcher) -> None:
    result = launcher.train("actor_rollout_ref.rollout.max_num_seqs=-1", fast=False)
    assert result.returncode == 1
    assert "max_num_seqs" in result.stdout and "Whole log:" in result.stdout
    (manifest,) = launcher.output.rglob("manifest.json")
    assert json.loads(manifest.read_text())["status"] == "failed"
