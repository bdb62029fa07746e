"""GRPO (arXiv 2402.03300): PPO's clipped surrogate on group-relative advantages."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.clipping import clipped_ratio_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float = 0.2,
    clip_ratio_high: float = 0.2,
) -> torch.Tensor:
    """GRPO's weight on Â·∇log π_θ: r inside the trust region, 0 where the clip of PPO (arXiv 1707.06347, eq. 7) binds.

        Â > 0:  w = r,  0 if r > 1+ε_high         Â < 0:  w = r,  0 if r < 1−ε_low

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low in (0, 1) and ε_high > 0.

    Returns:
        w, (B, T), detached, at least float32.
    """
    return clipped_ratio_weight(log_ratio, advantages, 1.0 - clip_ratio_low, 1.0 + clip_ratio_high)


@dataclass
class HardClipConfig(MethodConfig):
    """What GRPO and Clip-Higher share: verl's `vanilla` loss, which always clips dually."""

    loss_mode: str = "vanilla"
    dual_clip: bool = True

    def verl_is_exact(self) -> bool:
        """See losses.method.MethodConfig."""
        return self.dual_clip and super().verl_is_exact()

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
        )
        return weight, {}


@register("grpo", verl_loss="vanilla")
@dataclass
class GRPOConfig(HardClipConfig):
    """`policy_loss=grpo`: ε 0.2/0.2 and verl's dual clip at c = 3 (actor.clip_ratio_c)."""
