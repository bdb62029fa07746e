"""losses.aggregation is verl's `agg_loss`, mode for mode."""

import itertools

import pytest
import torch
from baseline_cases import full_batch
from loss_cases import MODES
from verl.trainer.ppo.core_algos import agg_loss

from losses.aggregation import aggregation_factor


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dp_size", [1, 4])
def test_aggregation_factor_is_what_agg_loss_multiplies_by(mode, dp_size):
    """The sizes of the whole mini-batch are larger than those of this part, or unknown."""
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(8, 12, generator=generator, dtype=torch.float64)
    mask = full_batch()["response_mask"].double()
    sizes = itertools.product((777, None), (29, None), (50, None))
    for batch_num_tokens, global_batch_size, loss_scale_factor in sizes:
        if dp_size > 1 and None in (batch_num_tokens, global_batch_size):
            continue  # refused, see below
        info = {
            "dp_size": dp_size,
            "batch_num_tokens": batch_num_tokens,
            "global_batch_size": global_batch_size,
            "loss_scale_factor": loss_scale_factor,
        }
        factor = aggregation_factor(mask, mode, **info)
        assert factor.shape == (8, 1)
        found = (values * mask * factor).sum().item()
        assert found == pytest.approx(agg_loss(values, mask, mode, **info).item(), rel=1e-9)


def test_an_unknown_aggregation_mode_is_refused():
    with pytest.raises(ValueError, match="median"):
        aggregation_factor(torch.ones(1, 1), "median")


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"token-sum"}))
def test_a_part_of_a_mini_batch_needs_the_size_of_the_whole(mode: str) -> None:
    """As in verl: each rank's own size would give its tokens another weight than the others'."""
    mask = torch.ones(2, 3)
    with pytest.raises(ValueError, match="is required when dp_size > 1"):
        agg_loss(mask, mask, mode, dp_size=2)
    with pytest.raises(ValueError, match="is required when dp_size > 1"):
        aggregation_factor(mask, mode, dp_size=2)
