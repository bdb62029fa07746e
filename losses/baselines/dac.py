"""DAC, the dynamic-adaptive clip of DCPO (arXiv 2509.02333): bounds on the ratio that widen for rare tokens.

The clip only: DCPO's smoothed advantages (SAS) and its loss normalisation (OTM) are separate ideas.
"""

from dataclasses import dataclass
from typing import Any

import torch

from losses.clipping import clipped_ratio_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, working_dtype
from losses.validation import is_number, require

# exp(−40): below it 4ε/q overflows nothing yet and U is far beyond any r_max.
SMALLEST_LOG_PROB = -40.0


def bounds(
    old_log_prob: torch.Tensor,
    *,
    clip_ratio_low: float = 0.16,
    clip_ratio_high: float = 0.2,
    dac_ratio_max: float = 10.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The trust region [L, U] of the ratio at old probability q (paper, section 3.1).

        L = ½ + ½·√max(1 − 4ε_low/q, 0)        U = min(½ + ½·√(1 + 4ε_high/q), r_max)

    Args:
        old_log_prob: log q, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low and ε_high; q·|r² − r| stays below them.
        dac_ratio_max: r_max.

    Returns:
        L and U, (B, T), detached, at least float32.
    """
    dtype = working_dtype(old_log_prob)
    inverse = torch.exp(-old_log_prob.detach().to(dtype).clamp(min=SMALLEST_LOG_PROB))  # 1/q
    low = 0.5 + 0.5 * (1.0 - 4.0 * clip_ratio_low * inverse).clamp(min=0.0).sqrt()
    high = 0.5 + 0.5 * (1.0 + 4.0 * clip_ratio_high * inverse).sqrt()
    return low, high.clamp(max=dac_ratio_max)


def gradient_weight(
    log_ratio: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float = 0.16,
    clip_ratio_high: float = 0.2,
    dac_ratio_max: float = 10.0,
) -> torch.Tensor:
    """DAC's weight on Â·∇log π_θ: r, cut off outside bounds that depend on the old probability q.

        Â > 0:  w = r,  0 if r > U(q)         Â < 0:  w = r,  0 if r < L(q)

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        old_log_prob: log q = log π_old, (B, T).
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high, dac_ratio_max: see `bounds`.

    Returns:
        w, (B, T), detached, at least float32.
    """
    low, high = bounds(
        old_log_prob,
        clip_ratio_low=clip_ratio_low,
        clip_ratio_high=clip_ratio_high,
        dac_ratio_max=dac_ratio_max,
    )
    return clipped_ratio_weight(log_ratio, advantages, low, high)


@register("dac")
@dataclass
class DACConfig(MethodConfig):
    """`policy_loss=dac`: ε 0.16/0.2 and dual clip at c = 10, as in the official code.

    Attributes:
        dac_ratio_max: r_max > 1, largest upper bound of the ratio (10).
    """

    loss_mode: str = "dac"
    dual_clip: bool = True
    dac_ratio_max: float = 10.0

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        value = self.dac_ratio_max
        require(is_number(value) and value > 1, "dac_ratio_max", value, "must be a number > 1", "10.0")

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.old_log_prob,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
            dac_ratio_max=self.dac_ratio_max,
        )
        return weight, {}
