"""policy_loss.fused=true gives what the eager loss gives: loss, gradient and metrics.

What is compiled is `fused._pass`; most tests run it uncompiled, a few through torch.compile (seconds each).
"""

import os
import warnings
from dataclasses import replace

import pytest
import torch
from baseline_cases import CONFIGS, full_batch
from loss_cases import MODES, SEQUENCES, actor_config, call, forward, over_mini_batch, pieces_of

from losses import fused

EVERY = [pytest.param(config, id=name) for name, config in CONFIGS.items()]
slow_per_mutant = pytest.mark.skipif("MUTATION_TEST" in os.environ, reason="tests/mutation runs the others")
COMPILED = ["gppo, likelihood", "aspo, split", "bapo", "gmpo"]


def eager(config):
    """The method through our own loss, op by op."""
    return replace(config, loss_mode=config.own_loss, fused=False)


def fuse(config):
    return replace(config, fused=True)


def results(policy_loss, batch, mode="token-mean", rollout_is_weights=None):
    config = actor_config(policy_loss, batch["response_mask"], mode)
    return call(config, batch, rollout_is_weights, **over_mini_batch(config, [batch]))


def assert_same(found, target, rtol):
    for ours, reference in zip(found[:2], target[:2], strict=True):
        assert ours.dtype == reference.dtype
        torch.testing.assert_close(ours, reference, rtol=rtol, atol=0 if rtol < 1e-8 else 1e-9)
    assert list(found[2]) == list(target[2])
    assert list(found[2].values()) == pytest.approx(list(target[2].values()), rel=rtol, abs=1e-12)


@pytest.fixture
def uncompiled(monkeypatch):
    monkeypatch.setattr(fused, "_compiled", lambda: fused._pass)


@pytest.fixture
def compiler():
    """A fresh torch.compile before and after; a fall-back to the eager pass is an error."""

    def forget():
        fused._compiled.cache_clear()
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()

    forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield torch._dynamo.utils.counters
    forget()


# The pass


@pytest.mark.parametrize("config", EVERY)
@pytest.mark.parametrize("weights", [None, "rollout"])
@pytest.mark.parametrize("mode", MODES)
def test_fused_is_eager(uncompiled, config, mode, weights):
    batch = full_batch()
    if weights:
        weights = torch.linspace(0, 2, batch["log_prob"].numel(), dtype=torch.float64).view(8, 12)
    target = results(eager(config), batch, mode, weights)
    assert target[1].abs().sum() > 0
    assert_same(results(fuse(config), batch, mode, weights), target, 1e-9)


@pytest.mark.parametrize("config", EVERY)
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_fused_is_eager_in_low_precision(uncompiled, config, dtype, rtol):
    batch = full_batch(dtype)
    assert_same(results(fuse(config), batch), results(eager(config), batch), rtol)


@pytest.mark.parametrize("config", EVERY)
def test_garbage_in_padding_changes_nothing(uncompiled, config):
    batch = full_batch()
    clean = results(fuse(config), batch)
    for name in ("log_prob", "old_log_prob", "advantages", "entropy"):
        dirty = batch | {name: batch[name].masked_fill(~batch["response_mask"], float("nan"))}
        assert_same(results(fuse(config), dirty), clean, 1e-12)


@pytest.mark.parametrize("config", EVERY)
def test_micro_batches_sum_to_the_same_gradient(uncompiled, config):
    batch = full_batch()
    parts = pieces_of(batch, 4)
    actor = actor_config(fuse(config), batch["response_mask"])
    whole = over_mini_batch(actor, parts)
    gradient = torch.cat([call(actor, part, **whole)[1] for part in parts])
    torch.testing.assert_close(gradient, results(fuse(config), batch)[1], rtol=1e-12, atol=0)


@pytest.mark.parametrize("config", EVERY)
def test_only_log_prob_carries_gradient_and_upstream_scales_it(uncompiled, config):
    """verl scales the loss before it goes backward."""
    batch = full_batch()
    target = results(fuse(config), batch)[1]
    actor = actor_config(fuse(config), batch["response_mask"])
    whole = over_mini_batch(actor, [batch])
    others = [batch[name].requires_grad_() for name in ("old_log_prob", "advantages", "entropy")]
    others.append(torch.ones_like(batch["log_prob"]).requires_grad_())
    log_prob = batch["log_prob"].clone().requires_grad_()
    loss, _ = forward(actor, batch, log_prob, others[-1], **whole)
    (3.0 * loss).backward()
    assert all(tensor.grad is None for tensor in others)
    torch.testing.assert_close(log_prob.grad, 3.0 * target, rtol=1e-12, atol=0)


def test_a_second_backward_pass_is_refused_rather_than_wrong(uncompiled):
    """The first one scales the gradient in place."""
    batch = full_batch()
    actor = actor_config(fuse(CONFIGS["dgpo"]), batch["response_mask"])
    log_prob = batch["log_prob"].clone().requires_grad_()
    loss, _ = forward(actor, batch, log_prob, None, **over_mini_batch(actor, [batch]))
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_what_a_method_lacks_is_still_refused(uncompiled):
    batch = full_batch()
    del batch["entropy"]
    config = actor_config(fuse(CONFIGS["entropy_adv"]), batch["response_mask"])
    with pytest.raises(RuntimeError, match="policy_loss=entropy_adv needs"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call(config, batch)


# The compiler


@slow_per_mutant
@pytest.mark.parametrize("name", COMPILED)
def test_compiled_is_eager_and_compiled_once_for_all_shapes(compiler, name):
    """Micro-batches differ in size, mini-batches in tokens and in the share of correct responses."""
    config = CONFIGS[name]
    graphs = []
    for rows, width, seed in ((8, 12, 0), (5, 12, 1), (8, 7, 2)):
        # Copies, as verl hands over: torch.compile tells a view of a larger tensor apart.
        batch = {key: value[:rows, :width].clone() for key, value in full_batch(seed=seed).items()}
        assert_same(results(fuse(config), batch), results(eager(config), batch), 1e-9)
        graphs.append(compiler["stats"]["unique_graphs"])
    assert graphs == [1, 1, 1], "recompiled"
    assert not compiler["graph_break"]


@slow_per_mutant
def test_compiled_in_float32_with_rollout_weights(compiler):
    batch = full_batch(torch.float32)
    weights = torch.linspace(0, 2, batch["log_prob"].numel()).view(8, 12)
    config = CONFIGS["dac"]
    target = results(eager(config), batch, SEQUENCES, weights)
    assert_same(results(fuse(config), batch, SEQUENCES, weights), target, 1e-5)
    assert compiler["stats"]["unique_graphs"] == 1


# Where there is no compiler


def test_a_failing_compiler_is_named_loudly_and_the_eager_result_given(monkeypatch):
    def broken(*_):
        raise RuntimeError("no C++ compiler found")

    monkeypatch.setattr(fused, "_compiled", lambda: broken)
    batch, config = full_batch(), CONFIGS["gppo, likelihood"]
    with pytest.warns(
        RuntimeWarning, match=r"does not compile here .*no C\+\+ compiler found.*policy_loss\.fused=false"
    ):
        found = results(fuse(config), batch)
    assert_same(found, results(eager(config), batch), 1e-9)
