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


BROKEN = """
from reward.verdict import Verdict
from reward.options import RewardOptions
from reward.verl_entry import as_columns

async def compute_score(data_source, solution_str, ground_truth, extra_info=None, **given):
    return as_columns(Verdict.of("timeout"), RewardOptions())
"""


def test_a_scorer_that_fails_stops_the_run_before_the_model_learns_from_it(launcher, tmp_path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    result = launcher.train(
        f"reward.custom_reward_function.path={tmp_path / 'broken.py'}", "trainer.val_before_train=false"
    )
    assert result.returncode == 1
    assert "BrokenScorerError: 100% of 128 responses could not be scored" in result.stdout
    assert launcher.steps() == [1] and launcher.metrics()[0]["data"]["reward/failure_share"] == 1.0
    (responses,) = launcher.output.rglob("generations/train/1.jsonl")
    assert len(responses.read_text().splitlines()) == 128
    assert not list(launcher.output.rglob("global_step_1"))
    assert launcher.processes() == []


def test_a_failure_in_a_worker_shows_its_cause_and_the_log(launcher) -> None:
    result = launcher.train("+actor_rollout_ref.rollout.engine_kwargs.vllm.stream_interval=-1", fast=False)
    assert result.returncode == 1
    assert "stream_interval" in result.stdout and "Whole log:" in result.stdout
    (manifest,) = launcher.output.rglob("manifest.json")
    assert json.loads(manifest.read_text())["status"] == "failed"
