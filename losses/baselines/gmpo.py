"""GMPO (arXiv 2507.20673): the geometric mean of clipped token ratios as a sequence's ratio."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.method import SequenceMeanConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio, sequence_mean


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    *,
    clip_ratio_low: float = 0.4,
    clip_ratio_high: float = 0.4,
) -> torch.Tensor:
    """GMPO's weight on Â·∇log π_θ under a mean over sequences of means over tokens (paper, eq. 4 and 5).

        Â > 0:  x_t = min(log r_t, ε_high)       Â < 0:  x_t = max(log r_t, −ε_low)
        w_t = exp(mean_t x_t),  0 where the clip of token t binds

    The clip stands in log space, on each token. A sequence's mean carries 1/|o| to each of its tokens; that factor is
    in the aggregation, `seq-mean-token-mean`, which also counts the sequences of the whole mini-batch. verl's
    `geo_mean` takes the mean over each micro-batch instead, so its gradient grows with the number of micro-batches.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T), the same for all tokens of a sequence.
        response_mask: 1 for response tokens, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low and ε_high, of the logarithm of the ratio.

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    above, below = (log_r > clip_ratio_high) & (advantages > 0), (log_r < -clip_ratio_low) & (advantages < 0)
    clipped = log_r.masked_fill(above, clip_ratio_high).masked_fill(below, -clip_ratio_low)
    return torch.exp(sequence_mean(clipped, response_mask)).expand_as(log_r).masked_fill(above | below, 0.0)


@register("gmpo")
@dataclass
class GMPOConfig(SequenceMeanConfig):
    """`policy_loss=gmpo`: clip (−0.4, 0.4) on log r, no dual clip."""

    loss_mode: str = "gmpo"

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            tokens.mask,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
        )
        return weight, {}
