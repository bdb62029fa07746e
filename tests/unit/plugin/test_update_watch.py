"""Updates that are skipped are counted, and too many of them stop the run."""

import math

import pytest
import torch
from verl.utils.metric import AggregationType, Metric

from recipes.plugin.actor_worker import ActorLoss, count_skipped
from recipes.plugin.update_watch import SHARE, BrokenUpdatesError, UpdateWatch


def test_a_healthy_step_sets_the_count_back() -> None:
    watch = UpdateWatch(limit=8)
    for _ in range(5):
        watch.look({SHARE: 0.5}, updates=16)
        assert watch.skipped == 8
        watch.look({SHARE: 0.0}, updates=16)
    assert watch.skipped == 0


def test_too_many_in_a_row_stop_with_key_and_cure() -> None:
    watch = UpdateWatch(limit=8)
    watch.look({SHARE: 3 / 16}, updates=16)
    watch.look({SHARE: 5 / 16}, updates=16)
    with pytest.raises(BrokenUpdatesError, match=r"9 updates .* \(1 of 16 .*optim\.lr.*skipped_update_limit"):
        watch.look({SHARE: 1 / 16}, updates=16)


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_a_skipped_update_leaves_its_cost_and_nothing_else(norm: float) -> None:
    metrics = {"grad_norm": norm, "loss": math.nan, "actor/ppo_kl": 1.0, "lr": 1e-6, "mfu": 0.4, "perf/x": 2.0}
    assert count_skipped(metrics) == {"lr": 1e-6, "mfu": 0.4, "perf/x": 2.0, "skipped_updates": 1.0}


def test_another_update_keeps_all() -> None:
    metrics = {"grad_norm": 0.3, "loss": 0.1}
    assert count_skipped(metrics) == metrics | {"skipped_updates": 0.0}


@pytest.mark.parametrize("kl, is_far", [(0.01, False), (1.99, False), (2.01, True), (-2.01, True)])
def test_the_gradient_of_a_policy_gone_too_far_is_not_finite(kl: float, is_far: bool) -> None:
    from dgpo.config import DGPOConfig

    loss_of = ActorLoss.__new__(ActorLoss)
    loss_of.method = DGPOConfig(loss_mode="dgpo")
    weight = torch.ones(3, requires_grad=True)
    metrics = {"actor/ppo_kl": Metric(AggregationType.MEAN, kl)}
    loss_of._refuse_if_far(weight.sum(), metrics).backward()
    assert torch.isfinite(weight.grad).all() == (not is_far)
