"""GSPO (arXiv 2507.18071): one importance ratio per sequence, the geometric mean of its tokens' ratios."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.method import SequenceMeanConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio, sequence_mean

LOG_RATIO_MAX = 10.0  # verl's bound on the logarithm of the sequence ratio


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    *,
    clip_ratio_low: float = 3e-4,
    clip_ratio_high: float = 4e-4,
) -> torch.Tensor:
    """GSPO's weight on Â·∇log π_θ of every token of a sequence (paper, eq. 5 to 7; GSPO-token, eq. 13).

        s = exp(mean_t log r_t)      Â > 0:  w = s,  0 if s > 1+ε_high      Â < 0:  w = s,  0 if s < 1−ε_low

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 per token.
        advantages: Â, (B, T).
        response_mask: 1 for response tokens, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low and ε_high; the mean moves far less than a token's ratio.

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    ratio = torch.exp(sequence_mean(log_r, response_mask).clamp(max=LOG_RATIO_MAX)).expand_as(log_r)
    outside = ((ratio > 1.0 + clip_ratio_high) & (advantages > 0)) | ((ratio < 1.0 - clip_ratio_low) & (advantages < 0))
    return ratio.masked_fill(outside, 0.0)


@register("gspo", verl_loss="gspo")
@dataclass
class GSPOConfig(SequenceMeanConfig):
    """`policy_loss=gspo`: verl's own loss, with the aggregation of the paper, ε 3e-4/4e-4 and no dual clip."""

    loss_mode: str = "gspo"

    def verl_is_exact(self) -> bool:
        """See losses.method.MethodConfig."""
        return not self.dual_clip and super().verl_is_exact()

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
