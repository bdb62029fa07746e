"""What must not change a baseline's loss: how the batch is cut, what stands in padding, what else carries gradient."""

import math

import pytest
import torch
from baseline_cases import CASES, EVERY_OF_OURS, IN_EVERY_MODE, OURS, called, full_batch
from loss_cases import SEQUENCES, actor_config, call, forward, over_mini_batch, pieces_of

from losses.extras import Extras
from losses.surrogate import slope_and_sums

OURS_IN_TWO_MODES = [
    pytest.param(CASES[name], mode, id=f"{name}, {mode}") for name in OURS for mode in ("token-mean", SEQUENCES)
]


@pytest.mark.parametrize("case", EVERY_OF_OURS)
def test_only_the_current_log_prob_carries_gradient(case):
    batch = full_batch()
    config = actor_config(case.config, batch["response_mask"])
    whole = over_mini_batch(config, [batch])
    _, target, _ = call(config, batch, torch.ones_like(batch["log_prob"]), **whole)
    others = [batch[name].requires_grad_() for name in ("old_log_prob", "advantages", "entropy")]
    others.append(torch.ones_like(batch["log_prob"]).requires_grad_())
    log_prob = batch["log_prob"].clone().requires_grad_()
    loss, _ = forward(config, batch, log_prob, others[-1], **whole)
    loss.backward()
    assert all(tensor.grad is None for tensor in others)
    assert torch.equal(log_prob.grad, target)


@pytest.mark.parametrize("case", EVERY_OF_OURS)
def test_slope_and_sums_are_constants_to_autograd(case):
    """The loss itself would hide a lost stop-gradient: its backward pass takes the slope as it is."""
    batch = full_batch()
    config = actor_config(case.config, batch["response_mask"])
    whole = over_mini_batch(config, [batch])
    leaves = [batch[name].requires_grad_() for name in ("log_prob", "old_log_prob", "advantages", "entropy")]
    rollout_is_weights = torch.ones_like(leaves[0]).requires_grad_()
    available = Extras(entropy=leaves[3], correct=batch["correct"], **whole)
    slope, sums = slope_and_sums(*leaves[:3], batch["response_mask"], rollout_is_weights, available, config)
    assert not any(tensor.requires_grad for tensor in (slope, *sums.values()))


def test_statistics_are_constants_to_autograd():
    batch = full_batch()
    config = actor_config(CASES["bapo"].config, batch["response_mask"])
    collected = []
    forward(config, batch, batch["log_prob"].requires_grad_(), collected=collected)
    assert not collected[0].requires_grad


@pytest.mark.parametrize(("case", "mode"), IN_EVERY_MODE)
@pytest.mark.parametrize("pieces", [2, 4])
def test_micro_batches_sum_to_the_same_gradient(case, mode, pieces):
    batch = full_batch()
    parts = pieces_of(batch, pieces)
    config = actor_config(case.config, batch["response_mask"], mode)
    whole_loss, whole_grad, _ = call(config, batch, **over_mini_batch(config, [batch]))
    whole = over_mini_batch(config, parts)
    found = [call(config, part, **whole) for part in parts]
    torch.testing.assert_close(torch.cat([grad for _, grad, _ in found]), whole_grad, rtol=1e-12, atol=0)
    torch.testing.assert_close(sum(loss for loss, _, _ in found), whole_loss, rtol=1e-12, atol=1e-15)
    assert all(list(metrics) == list(found[0][2]) for _, _, metrics in found)


@pytest.mark.parametrize(("case", "mode"), OURS_IN_TWO_MODES)
@pytest.mark.parametrize("garbage", [math.inf, -math.inf, math.nan, -1e9])
def test_garbage_in_padding_changes_nothing(case, mode, garbage):
    batch = full_batch()
    mask = batch["response_mask"]
    config = actor_config(case.config, mask, mode)
    rollout_is_weights = torch.full_like(batch["log_prob"], 0.5)
    clean_loss, clean_grad, clean_metrics = call(config, batch, rollout_is_weights, **over_mini_batch(config, [batch]))
    everything = batch | {"rollout_is_weights": rollout_is_weights}
    for name in ("log_prob", "old_log_prob", "advantages", "rollout_is_weights", "entropy"):
        dirty = everything | {name: everything[name].masked_fill(~mask, garbage)}
        found = over_mini_batch(config, [dirty])
        loss, grad, metrics = call(config, dirty, dirty["rollout_is_weights"], **found)
        assert loss.item() == clean_loss.item(), name
        assert torch.equal(grad, clean_grad), name
        assert metrics == clean_metrics, name
    assert (clean_grad[~mask] == 0).all()


@pytest.mark.parametrize("case", EVERY_OF_OURS)
def test_a_fully_masked_micro_batch_adds_nothing(case):
    batch = full_batch()
    config = actor_config(case.config, batch["response_mask"])
    whole = over_mini_batch(config, [batch])
    batch["response_mask"] = torch.zeros_like(batch["response_mask"])
    batch["log_prob"][0, 0] = math.nan
    loss, grad, metrics = call(config, batch, **whole)
    assert loss.item() == 0
    assert (grad == 0).all()
    assert all(map(math.isfinite, metrics.values()))
    for added in over_mini_batch(config, [batch]).get("statistics", ()):
        assert added == 0


@pytest.mark.parametrize("case", EVERY_OF_OURS)
@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_any_dtype_of_mask_will_do(case, dtype):
    batch = full_batch()
    target = called(case, batch)[1]
    batch["response_mask"] = batch["response_mask"].to(dtype)
    torch.testing.assert_close(called(case, batch)[1], target, rtol=1e-12, atol=0)
