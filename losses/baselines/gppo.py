"""GPPO (Klear-Reasoner, arXiv 2508.07629): clipped tokens keep the gradient they have at the boundary."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.baselines.ce_gppo import gradient_weight as general_weight
from losses.likelihood import LikelihoodConfig
from losses.method import Weighted
from losses.registry import register
from losses.tokens import Tokens


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float = 0.2,
    clip_ratio_high: float = 0.28,
) -> torch.Tensor:
    """GPPO's weight on Â·∇log π_θ: the ratio clipped on the side that leaves the trust region, never zero.

        Â > 0:  w = min(r, 1+ε_high)         Â < 0:  w = max(r, 1−ε_low)

    This is CE-GPPO with β1 = β2 = 1.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low in (0, 1) and ε_high > 0.

    Returns:
        w, (B, T), detached, at least float32.
    """
    return general_weight(
        log_ratio,
        advantages,
        clip_ratio_low=clip_ratio_low,
        clip_ratio_high=clip_ratio_high,
        ce_gppo_beta1=1.0,
        ce_gppo_beta2=1.0,
    )


@register("gppo")
@dataclass
class GPPOConfig(LikelihoodConfig):
    """`policy_loss=gppo`: ε 0.2/0.28; the official code also clips dually, at c = 10."""

    loss_mode: str = "gppo"
    dual_clip: bool = True

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
        )
        return weight, {}
