"""DRPO (arXiv 2606.09821): DPPO-TV's trust region as a smooth penalty that turns back what has gone too far."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio, working_dtype
from losses.validation import is_number, require


def gradient_weight(
    log_ratio: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    *,
    drpo_delta: float = 0.15,
    drpo_corrective: bool = True,
) -> torch.Tensor:
    """DRPO's weight on Â·∇log π_θ, from the penalty |Â|·μ·(r−1)²/(2δ) in the loss −Â·r, as notes of a reader have it.

        w = r · (1 − sgn(Â)·(π_θ − μ)/δ)

    w is r at π_θ = μ, 0 where the update has moved the token by δ, and negative beyond: the gradient then leads back.
    Towards μ it exceeds r. As |π_θ − μ| ≤ 1, |w| ≤ r·(1 + 1/δ).

    Args:
        log_ratio: log r = log π_θ − log μ, (B, T); clamped to ±20 as in verl.
        old_log_prob: log μ, (B, T); μ is the rollout policy in the paper.
        advantages: Â, (B, T).
        drpo_delta: δ > 0, in probability.
        drpo_corrective: whether w may be negative; False: 0 there, so that no token is turned back.

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    old_log_prob = old_log_prob.detach().to(working_dtype(old_log_prob, log_r))
    moved = torch.exp(old_log_prob + log_r) - torch.exp(old_log_prob)  # (B, T), π_θ − μ
    factor = 1.0 - torch.sign(advantages.detach()).to(moved.dtype) * moved / drpo_delta
    return torch.exp(log_r) * (factor if drpo_corrective else factor.clamp(min=0.0))


@register("drpo")
@dataclass
class DRPOConfig(MethodConfig):
    """`policy_loss=drpo`: δ = 0.15, against the rollout policy, no clip.

    Attributes:
        drpo_delta: δ > 0, in probability: where w is 0.
        drpo_corrective: false drops tokens beyond δ instead of turning them back.
    """

    loss_mode: str = "drpo"
    drpo_delta: float = 0.15
    drpo_corrective: bool = True
    rollout_anchor: ClassVar[bool] = True

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        value = self.drpo_delta
        require(is_number(value) and value > 0, "drpo_delta", value, "must be a number > 0", "0.15")
        value = self.drpo_corrective
        require(isinstance(value, bool), "drpo_corrective", value, "must be true or false", "true")

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.old_log_prob,
            tokens.advantages,
            drpo_delta=self.drpo_delta,
            drpo_corrective=self.drpo_corrective,
        )
        return weight, {"drpo_turned_back": (weight < 0).to(weight.dtype)}
