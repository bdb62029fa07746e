"""SAPO (arXiv 2511.20347): a sigmoid gate in place of the clip."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio
from losses.validation import require_on_actor


def gradient_weight(
    log_ratio: torch.Tensor, advantages: torch.Tensor, *, tau_pos: float = 1.0, tau_neg: float = 1.05
) -> torch.Tensor:
    """SAPO's weight on Â·∇log π_θ: the derivative of the gate f(r) = σ(τ(r−1))·4/τ, times r.

        w = 4·s·(1−s)·r,    s = σ(τ(r−1)),    τ = τ_pos if Â > 0 else τ_neg;    w(1) = 1

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        tau_pos, tau_neg: temperatures of the gate by the sign of the advantage, > 0.

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    positive = advantages > 0
    temperature = tau_neg + (tau_pos - tau_neg) * positive.to(log_r.dtype)
    ratio = torch.exp(log_r)
    # s·(1−s) = e/(1+e)² with e = exp(−|x|): no cancellation where the gate is nearly closed, and one exponential.
    small = torch.exp(-(temperature * (ratio - 1.0)).abs())
    return 4.0 * small / (1.0 + small).square() * ratio


@register("sapo", verl_loss="sapo")
@dataclass
class SAPOConfig(MethodConfig):
    """`policy_loss=sapo`: verl's own loss; τ is actor.tau_pos and actor.tau_neg (paper: 1.0 and 1.05)."""

    loss_mode: str = "sapo"

    def verl_is_exact(self) -> bool:
        """See losses.method.MethodConfig."""
        return not self.dual_clip and super().verl_is_exact()

    def check_actor(self, actor: Any) -> None:
        """See losses.method.MethodConfig."""
        # verl's sapo aggregates this way whatever the config says.
        require_on_actor(
            actor.loss_agg_mode == "seq-mean-token-mean" or self.loss_mode != self.verl_loss,
            "loss_agg_mode",
            actor.loss_agg_mode,
            "is not what verl's sapo does",
            "seq-mean-token-mean",
        )

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        return gradient_weight(tokens.log_ratio, tokens.advantages, tau_pos=actor.tau_pos, tau_neg=actor.tau_neg), {}
