"""BAPO (arXiv 2510.18927): clip bounds searched per update so that positive tokens keep their share of the gradient."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses import extras
from losses.baselines import bapo_search
from losses.baselines.clipping import clipped_ratio_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens
from losses.validation import is_number, require


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    c_low: float | torch.Tensor = 0.6,
    c_high: float | torch.Tensor = 1.2,
) -> torch.Tensor:
    """BAPO's weight on Â·∇log π_θ: the hard clip at bounds found by `bapo_search.find_bounds`.

        Â > 0:  w = r,  0 if r > c_high         Â < 0:  w = r,  0 if r < c_low

    Args:
        log_ratio: log r = log π_θ − log π_rollout, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        c_low, c_high: bounds of the ratio.

    Returns:
        w, (B, T), detached, at least float32.
    """
    return clipped_ratio_weight(log_ratio, advantages, c_low, c_high)


@register("bapo")
@dataclass
class BAPOConfig(MethodConfig):
    """`policy_loss=bapo`. `actor.clip_ratio_low/high` have no effect but on metrics.

    The published code differs from the paper (docs/methods.md); this is the paper's.

    Attributes:
        bapo_positive_share: ρ0 in (0, 1), share of the positive tokens to reach (paper: 0.4).
        bapo_low_start, bapo_low_end, bapo_low_step: candidates of c_low (paper: 0.6 to 0.9 by 0.02).
        bapo_high_start, bapo_high_end, bapo_high_step: candidates of c_high (paper: 1.2 to 3.0 by 0.05).
        bapo_statistic: "literal" (paper) or "active"; see bapo_search.contributions.
    """

    loss_mode: str = "bapo"
    rollout_anchor: ClassVar[bool] = True
    bapo_positive_share: float = 0.4
    bapo_low_start: float = 0.6
    bapo_low_end: float = 0.9
    bapo_low_step: float = 0.02
    bapo_high_start: float = 1.2
    bapo_high_end: float = 3.0
    bapo_high_step: float = 0.05
    bapo_statistic: str = "literal"

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        for name, field in type(self).__dataclass_fields__.items():
            if name.startswith("bapo_") and name != "bapo_statistic":
                value = getattr(self, name)
                require(is_number(value) and value > 0, name, value, "must be a number > 0", str(field.default))
        share, statistic = self.bapo_positive_share, self.bapo_statistic
        require(share < 1, "bapo_positive_share", share, "must be < 1", "0.4")
        bounds = {
            "bapo_low_end": (self.bapo_low_start, self.bapo_low_end, "bapo_low_start", 0.9),
            "bapo_high_start": (1.0, self.bapo_high_start, "1", 1.2),
            "bapo_high_end": (self.bapo_high_start, self.bapo_high_end, "bapo_high_start", 3.0),
        }
        for name, (below, value, what, default) in bounds.items():
            require(below <= value, name, value, f"must be >= {what} ({below})", str(default))
        require(self.bapo_low_end <= 1, "bapo_low_end", self.bapo_low_end, "must be <= 1", "0.9")
        known = bapo_search.STATISTICS
        require(statistic in known, "bapo_statistic", statistic, f"must be one of {', '.join(known)}", "literal")

    @property
    def low(self) -> bapo_search.Grid:
        """Candidates of c_low."""
        return bapo_search.Grid(self.bapo_low_start, self.bapo_low_end, self.bapo_low_step)

    @property
    def high(self) -> bapo_search.Grid:
        """Candidates of c_high."""
        return bapo_search.Grid(self.bapo_high_start, self.bapo_high_end, self.bapo_high_step)

    @property
    def needs(self) -> frozenset[str]:
        """See losses.method.MethodConfig."""
        return frozenset({extras.STATISTICS})

    def batch_statistics(self, tokens: Tokens, actor: Any) -> torch.Tensor:
        """See losses.method.MethodConfig."""
        return bapo_search.interval_sums(torch.exp(tokens.log_ratio), tokens.advantages, self.low, self.high)

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        sums = tokens.extras.need(extras.STATISTICS, self.method)
        c_low, c_high, share = bapo_search.find_bounds(
            sums, self.low, self.high, self.bapo_positive_share, self.bapo_statistic
        )
        weight = gradient_weight(tokens.log_ratio, tokens.advantages, c_low=c_low, c_high=c_high)
        found = {"bapo_c_low": c_low, "bapo_c_high": c_high, "bapo_positive_share": share}
        return weight, {name: value.to(weight.dtype).expand_as(weight) for name, value in found.items()}
