"""VESPO (arXiv 2602.10693): the whole response's ratio, reshaped by the kernel of a gamma distribution."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import LOG_RATIO_BOUND, Tokens, clamped_log_ratio, sequence_sum
from losses.validation import is_number, require

SMALLEST_RATIO = 1e-8  # of the response; the official code's


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    *,
    vespo_k_pos: float = 2.0,
    vespo_lambda_pos: float = 3.0,
    vespo_k_neg: float = 3.0,
    vespo_lambda_neg: float = 2.0,
) -> torch.Tensor:
    """VESPO's weight on Â·∇log π_θ of every token of a response (official code, `compute_policy_loss_vespo`).

        w = Wᵏ · exp(λ(1 − W)),   W = Π_t r_t within [1e-8, e²⁰];   (k, λ) by the sign of Â, Â = 0 with the positive

    w is 1 at W = 1, largest at W = k/λ, and falls off on both sides; there is no clip and no division by the length.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 per token.
        advantages: Â, (B, T).
        response_mask: 1 for response tokens, (B, T).
        vespo_k_pos, vespo_k_neg: how fast w falls towards W = 0.
        vespo_lambda_pos, vespo_lambda_neg: how fast w falls towards large W.

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    log_w = sequence_sum(log_r, response_mask).clamp(math.log(SMALLEST_RATIO), LOG_RATIO_BOUND)  # (B, 1)
    beyond = 1.0 - torch.exp(log_w)
    good = torch.exp(vespo_k_pos * log_w + vespo_lambda_pos * beyond)
    bad = torch.exp(vespo_k_neg * log_w + vespo_lambda_neg * beyond)
    return torch.where(advantages >= 0, good, bad)


@register("vespo")
@dataclass
class VESPOConfig(MethodConfig):
    """`policy_loss=vespo`: (k, λ) = (2, 3) for Â ≥ 0 and (3, 2) for Â < 0, no clip.

    Attributes:
        vespo_k_pos, vespo_lambda_pos: k and λ for Â ≥ 0, > 0.
        vespo_k_neg, vespo_lambda_neg: k and λ for Â < 0, > 0.
    """

    loss_mode: str = "vespo"
    vespo_k_pos: float = 2.0
    vespo_lambda_pos: float = 3.0
    vespo_k_neg: float = 3.0
    vespo_lambda_neg: float = 2.0
    rollout_anchor: ClassVar[bool] = True

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        for name, usual in (("k_pos", 2), ("lambda_pos", 3), ("k_neg", 3), ("lambda_neg", 2)):
            value = getattr(self, f"vespo_{name}")
            require(is_number(value) and value > 0, f"vespo_{name}", value, "must be a number > 0", f"{usual}.0")

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            tokens.mask,
            vespo_k_pos=self.vespo_k_pos,
            vespo_lambda_pos=self.vespo_lambda_pos,
            vespo_k_neg=self.vespo_k_neg,
            vespo_lambda_neg=self.vespo_lambda_neg,
        )
        return weight, {}
