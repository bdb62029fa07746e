"""A chunk of rows at a time gives what all rows at once give: loss, gradient and metrics."""

from dataclasses import replace

import pytest
import torch
from baseline_cases import CONFIGS, full_batch
from loss_cases import MODES, actor_config, call, over_mini_batch

from losses import chunks

EVERY = [pytest.param(config, id=name) for name, config in CONFIGS.items()]


def results(policy_loss, batch, mode, weights):
    config = actor_config(policy_loss, batch["response_mask"], mode)
    return call(config, batch, weights, **over_mini_batch(config, [batch]))


@pytest.mark.parametrize("config", EVERY)
@pytest.mark.parametrize("weights", [None, "rollout"])
@pytest.mark.parametrize("tokens", [1, 12 * 3])  # of 8 rows of 12: one by one; three, three and two
def test_chunks_are_the_whole(monkeypatch, config, weights, tokens):
    batch, own = full_batch(), replace(config, loss_mode=config.own_loss, fused=False)
    if weights:
        weights = torch.linspace(0, 2, batch["log_prob"].numel(), dtype=torch.float64).view(8, 12)
    whole = results(own, batch, MODES[0], weights)
    monkeypatch.setattr(chunks, "TOKENS", tokens)
    assert chunks.rows_of_a_chunk(batch["log_prob"]) < len(batch["log_prob"])
    parts = results(own, batch, MODES[0], weights)
    for ours, reference in zip(parts[:2], whole[:2], strict=True):
        assert ours.dtype == reference.dtype and reference.abs().sum() > 0
        torch.testing.assert_close(ours, reference, rtol=1e-12, atol=0)
    assert list(parts[2]) == list(whole[2])
    assert list(parts[2].values()) == pytest.approx(list(whole[2].values()), rel=1e-12, abs=1e-15)


def test_a_chunk_has_at_least_a_row_and_at_most_all(monkeypatch):
    monkeypatch.setattr(chunks, "TOKENS", 100)
    sizes = {(1, 500): 1, (7, 500): 1, (7, 50): 2, (7, 3): 7, (5, 0): 5}
    assert {shape: chunks.rows_of_a_chunk(torch.empty(shape)) for shape in sizes} == sizes
    assert chunks.rows_of_a_chunk(torch.empty(7, 50, device="meta")) == 7, "a CPU's caches only"
