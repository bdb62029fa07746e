"""CE-GPPO (arXiv 2509.20712): GPPO's boundary gradients scaled, to steer the entropy."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.likelihood import LikelihoodConfig
from losses.method import Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio
from losses.validation import is_number, require


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float = 0.2,
    clip_ratio_high: float = 0.2,
    ce_gppo_beta1: float = 0.5,
    ce_gppo_beta2: float = 1.0,
) -> torch.Tensor:
    """CE-GPPO's weight on Â·∇log π_θ: r inside the trust region, a constant outside it.

        Â > 0:  w = r,  β2·(1+ε_high) if r > 1+ε_high         Â < 0:  w = r,  β1·(1−ε_low) if r < 1−ε_low

    β1 = β2 = 0 is GRPO, β1 = β2 = 1 is GPPO. (The prose of the paper's section 3.2 swaps the two; its equation and the
    official code give β1 to Â < 0.)

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low in (0, 1) and ε_high > 0.
        ce_gppo_beta1: β1 ≥ 0, what is left of the gradient left of the trust region, for Â < 0.
        ce_gppo_beta2: β2 ≥ 0, what is left of it right of the trust region, for Â > 0.

    Returns:
        w, (B, T), detached, at least float32.
    """
    ratio = torch.exp(clamped_log_ratio(log_ratio))
    low, high = 1.0 - clip_ratio_low, 1.0 + clip_ratio_high
    weight = ratio.masked_fill((ratio < low) & (advantages < 0), ce_gppo_beta1 * low)
    return weight.masked_fill((ratio > high) & (advantages > 0), ce_gppo_beta2 * high)


@register("ce_gppo")
@dataclass
class CEGPPOConfig(LikelihoodConfig):
    """`policy_loss=ce_gppo`: ε 0.2/0.2; the official code also clips dually, at c = 10.

    Attributes:
        ce_gppo_beta1: β1 ≥ 0 (official scripts: 0.5 for 1.5B, 0.75 for 7B).
        ce_gppo_beta2: β2 ≥ 0 (official scripts: 1).
    """

    loss_mode: str = "ce_gppo"
    dual_clip: bool = True
    ce_gppo_beta1: float = 0.5
    ce_gppo_beta2: float = 1.0

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        super().validate()
        for name, default in (("ce_gppo_beta1", "0.5"), ("ce_gppo_beta2", "1.0")):
            value = getattr(self, name)
            require(is_number(value) and value >= 0, name, value, "must be a number >= 0", default)

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
            ce_gppo_beta1=self.ce_gppo_beta1,
            ce_gppo_beta2=self.ce_gppo_beta2,
        )
        return weight, {}
