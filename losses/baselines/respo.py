"""ReSPO (arXiv 2609.35433): the whole response's ratio, reshaped by one kernel for each sign of the advantage."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import LOG_RATIO_BOUND, Tokens, clamped_log_ratio, sequence_sum


def gradient_weight(log_ratio: torch.Tensor, advantages: torch.Tensor, response_mask: torch.Tensor) -> torch.Tensor:
    """ReSPO's weight on Â·∇log π_θ of every token of a response, as notes of a reader have it.

        Â ≥ 0:  w = (1 + W)/2 · exp(1 − W)         Â < 0:  w = √W · exp(2(1 − √W))
        W = Π_t r_t within [e⁻²⁰, e²⁰]

    Both are 1 at W = 1 and fall there by half of what W rises. A good response that has become unlikely keeps up to
    e/2, a bad one is let go as √W.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 per token.
        advantages: Â, (B, T).
        response_mask: 1 for response tokens, (B, T).

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    log_w = sequence_sum(log_r, response_mask).clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)  # (B, 1)
    ratio, root = torch.exp(log_w), torch.exp(log_w / 2)
    good = (1.0 + ratio) / 2 * torch.exp(1.0 - ratio)
    return torch.where(advantages >= 0, good, root * torch.exp(2.0 * (1.0 - root)))


@register("respo")
@dataclass
class ReSPOConfig(MethodConfig):
    """`policy_loss=respo`: no hyper-parameter, no clip."""

    loss_mode: str = "respo"

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        return gradient_weight(tokens.log_ratio, tokens.advantages, tokens.mask), {}
