"""CISPO (MiniMax-M1, arXiv 2506.13585): the importance weight is clipped, the gradient never is."""

from dataclasses import dataclass
from typing import Any

import torch

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio
from losses.validation import is_number, require


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float | None = 0.2,
    clip_ratio_high: float = 0.2,
    cispo_mask_low: float | None = None,
    cispo_mask_high: float | None = None,
) -> torch.Tensor:
    """CISPO's weight on Â·∇log π_θ (paper, eq. 4 and 5), the same for both signs of the advantage.

        w = clip(r, 1−ε_low, 1+ε_high) · M
        M = 0 if Â > 0 and r > 1+ε_high^mask, or Â < 0 and r < 1−ε_low^mask; 1 otherwise      (eq. 6 and 7)

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        clip_ratio_low: ε_low, or None for no lower bound (the paper's own runs).
        clip_ratio_high: ε_high.
        cispo_mask_low, cispo_mask_high: the mask's own widths, or None for no mask on that side.

    Returns:
        w, (B, T), detached, at least float32.
    """
    ratio = torch.exp(clamped_log_ratio(log_ratio))
    weight = ratio.clamp(min=None if clip_ratio_low is None else 1.0 - clip_ratio_low, max=1.0 + clip_ratio_high)
    if cispo_mask_high is not None:
        weight = weight.masked_fill((ratio > 1.0 + cispo_mask_high) & (advantages > 0), 0.0)
    if cispo_mask_low is not None:
        weight = weight.masked_fill((ratio < 1.0 - cispo_mask_low) & (advantages < 0), 0.0)
    return weight


@register("cispo", verl_loss="cispo")
@dataclass
class CISPOConfig(MethodConfig):
    """`policy_loss=cispo`: verl's own two-sided loss, or ours with an option that verl's does not have.

    Attributes:
        cispo_two_sided: keep the lower bound 1−ε_low (DGPO's figure); the MiniMax-M1 paper "did not impose" one.
        cispo_mask_low, cispo_mask_high: widths of the mask of eq. 6 and 7, null for none (the paper's own runs).
    """

    loss_mode: str = "cispo"
    cispo_two_sided: bool = True
    cispo_mask_low: float | None = None
    cispo_mask_high: float | None = None

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        sides = self.cispo_two_sided
        require(isinstance(sides, bool), "cispo_two_sided", sides, "must be true or false", "true")
        for name in ("cispo_mask_low", "cispo_mask_high"):
            value = getattr(self, name)
            good = value is None or (is_number(value) and value > 0)
            require(good, name, value, "must be a number > 0, or null for no mask", "null")

    def verl_is_exact(self) -> bool:
        """See losses.method.MethodConfig."""
        plain = self.cispo_two_sided and self.cispo_mask_low is None and self.cispo_mask_high is None
        return plain and not self.dual_clip and super().verl_is_exact()

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low if self.cispo_two_sided else None,
            clip_ratio_high=actor.clip_ratio_high,
            cispo_mask_low=self.cispo_mask_low,
            cispo_mask_high=self.cispo_mask_high,
        )
        return weight, {}
