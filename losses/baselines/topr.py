"""TOPR (arXiv 2503.14286): no importance weight on good responses, a tapered one on bad responses."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio, sequence_mean
from losses.validation import require

RATIOS = ("product", "geometric_mean")


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    *,
    topr_ratio: str = "product",
) -> torch.Tensor:
    """TOPR's weight on Â·∇log π_θ of every token of a response (paper, eq. 7 and 8, canonical bounds).

        Â ≥ 0:  w = 1         Â < 0:  w = clip(R, 0, 1),   R = π_θ(response)/μ(response) = Π_t r_t

    For a long response the product is nearly 0 or above 1. Other implementations take each token's ratio, or the
    geometric mean of the response's.

    Args:
        log_ratio: log r = log π_θ − log μ, (B, T); clamped to ±20 per token.
        advantages: Â, (B, T).
        response_mask: 1 for response tokens, (B, T).
        topr_ratio: "product" (paper) or "geometric_mean".

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    log_sequence_ratio = sequence_mean(log_r, response_mask)  # (B, 1)
    if topr_ratio == "product":
        log_sequence_ratio = log_sequence_ratio * response_mask.to(log_r.dtype).sum(-1, keepdim=True)
    tapered = torch.exp(log_sequence_ratio.clamp(max=0.0)).expand_as(log_r)
    return torch.where(advantages < 0, tapered, 1.0)


@register("topr")
@dataclass
class TOPRConfig(MethodConfig):
    """`policy_loss=topr`: rewards ±1 without a baseline (adv_estimator=signed_reward), no clip.

    Attributes:
        topr_ratio: "product" (paper) or "geometric_mean" (other implementations).
    """

    loss_mode: str = "topr"
    topr_ratio: str = "product"
    rollout_anchor: ClassVar[bool] = True

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        value = self.topr_ratio
        require(value in RATIOS, "topr_ratio", value, f"must be one of {', '.join(RATIOS)}", "product")

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        return gradient_weight(tokens.log_ratio, tokens.advantages, tokens.mask, topr_ratio=self.topr_ratio), {}
