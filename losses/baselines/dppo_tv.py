"""DPPO-TV (arXiv 2602.04879): a trust region in probability instead of ratio."""

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
    clip_ratio_low: float = 0.15,
    clip_ratio_high: float = 0.15,
    clip_ratio_c: float = 20.0,
) -> torch.Tensor:
    """DPPO-TV's weight on Â·∇log π_θ (paper, eq. 12 and 13): the binary total variation |π_θ − μ| bounds the update.

        w = min(r, c);   0 if Â > 0 and π_θ − μ > δ_high,  or Â ≤ 0 and μ − π_θ > δ_low

    Args:
        log_ratio: log r = log π_θ − log μ, (B, T); clamped to ±20 as in verl.
        old_log_prob: log μ, (B, T); μ is the rollout policy in the paper.
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high: δ_low and δ_high, in probability.
        clip_ratio_c: c, where the ratio is truncated (paper, section 5.4: 20 or more).

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    old_log_prob = old_log_prob.to(working_dtype(old_log_prob, log_r))
    moved = torch.exp(old_log_prob + log_r) - torch.exp(old_log_prob)  # (B, T), π_θ − μ
    positive = advantages > 0
    outside = ((moved > clip_ratio_high) & positive) | ((moved < -clip_ratio_low) & ~positive)
    return torch.exp(log_r).clamp(max=clip_ratio_c).masked_fill(outside, 0.0)


@dataclass
class DPPOConfig(MethodConfig):
    """What both divergences share; δ stands in actor.clip_ratio_low/high, the truncation in actor.clip_ratio_c.

    Attributes:
        dppo_quadratic: τ ≥ 0 of a term τ·(log r)² in the loss of every token, dropped ones included, which pulls
            π_θ back to μ (prime-rl's `kl_tau`: 0.001; 0: none, as in the paper).
    """

    dppo_quadratic: float = 0.0
    rollout_anchor: ClassVar[bool] = True

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        value = self.dppo_quadratic
        require(is_number(value) and value >= 0, "dppo_quadratic", value, "must be a number >= 0", "0.001")

    def verl_is_exact(self) -> bool:
        """See losses.method.MethodConfig."""
        return not self.dual_clip and not self.dppo_quadratic and super().verl_is_exact()

    @staticmethod
    def bounded(
        log_ratio: torch.Tensor,
        old_log_prob: torch.Tensor,
        advantages: torch.Tensor,
        *,
        clip_ratio_low: float,
        clip_ratio_high: float,
        clip_ratio_c: float,
    ) -> torch.Tensor:
        """The weight that the divergence bounds, a pure function."""
        raise NotImplementedError

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = self.bounded(
            tokens.log_ratio,
            tokens.old_log_prob,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
            clip_ratio_c=actor.clip_ratio_c,
        )
        return weight, {}

    def likelihood_weight(self, tokens: Tokens) -> torch.Tensor | None:
        """See losses.method.MethodConfig; minus the derivative of τ·(log r)² by log π_θ."""
        return -2.0 * self.dppo_quadratic * tokens.log_ratio if self.dppo_quadratic else None


@register("dppo_tv", verl_loss="dppo_tv")
@dataclass
class DPPOTVConfig(DPPOConfig):
    """`policy_loss=dppo_tv`: verl's own loss, unless it has the quadratic term."""

    loss_mode: str = "dppo_tv"
    bounded = staticmethod(gradient_weight)
