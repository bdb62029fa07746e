"""The log-likelihood term on correct responses that GPPO and CE-GPPO offer."""

import pytest
import torch
from baseline_cases import CASES, called, full_batch
from loss_cases import actor_config, call, over_mini_batch, pieces_of

from losses.baselines.gppo import GPPOConfig


def test_likelihood_term_is_the_mean_over_the_tokens_of_correct_responses():
    """lambda * mean of -log pi over them, in the whole mini-batch: -lambda / number on each."""
    case, batch = CASES["gppo, likelihood"], full_batch()
    batch["advantages"] = torch.zeros_like(batch["advantages"])
    chosen = batch["response_mask"] & batch["correct"]
    for pieces in (1, 2, 4):
        parts = pieces_of(batch, pieces)
        config = actor_config(case.config, batch["response_mask"])
        whole = over_mini_batch(config, parts)
        grad = torch.cat([call(config, part, **whole)[1] for part in parts])
        torch.testing.assert_close(grad, torch.where(chosen, -0.1 / chosen.sum(), 0.0).double(), rtol=1e-7, atol=0)


@pytest.mark.parametrize("coefficient", [0.1, 5.0])
def test_likelihood_term_without_a_correct_response_is_zero(coefficient):
    """Also in float32, in which 5 over the smallest share overflows."""
    batch = full_batch(torch.float32)
    batch["correct"] = torch.zeros_like(batch["correct"])
    config = actor_config(GPPOConfig(likelihood_coefficient=coefficient), batch["response_mask"])
    _, grad, _ = call(config, batch, **over_mini_batch(config, [batch]))
    _, target, _ = called(CASES["gppo"], batch)
    assert torch.equal(grad, target)
