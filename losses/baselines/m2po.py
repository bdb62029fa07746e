"""M2PO (arXiv 2510.01161): a clip just so wide that the second moment of log r stays within a budget.

The bound is found anew for every update, over the tokens that a clip could drop: those that an update moves away from
π_old. From counts and sums per interval of |log r|, which are additive, it is known without sorting, however the
mini-batch is cut; it is the largest of EDGES within the budget, less than 0.8 % below the exact one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses import extras, intervals
from losses.clipping import clipped_ratio_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import LOG_RATIO_BOUND, Tokens
from losses.validation import is_number, require

INTERVALS, SMALLEST = 1024, 0.01
# Candidates of the bound on |log r|; the last holds every token.
EDGES = intervals.geometric(SMALLEST, LOG_RATIO_BOUND, INTERVALS)


def interval_sums(log_ratio: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """What the search needs to know of some tokens: number and Σ(log r)² of those that are moving away, per interval.

    Args:
        log_ratio: log r, (B, T), within ±20.
        advantages: Â, (B, T); 0 where the mask is 0.

    Returns:
        Counts between neighbouring EDGES, then sums, (2·(len(EDGES) + 1),), float64.
    """
    log_r, advantages = log_ratio.flatten().double(), advantages.flatten().double()
    away = (torch.sign(log_r) * torch.sign(advantages)).clamp(min=0.0)  # 1 or 0
    size = log_r.abs()
    return intervals.sums(size, EDGES, away, away * size.square())


def find_threshold(sums: torch.Tensor, budget: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest τ at which the mean of min(|log r|, τ)² is within the budget (`kpo_clip_harmful_tokens` of the code).

    Args:
        sums: `interval_sums`, added up over everything that belongs to the mini-batch.
        budget: of the second moment.

    Returns:
        τ, one of EDGES, or 0 if none is small enough; and the second moment without a clip; scalars.
    """
    edges = torch.tensor(EDGES, dtype=sums.dtype, device=sums.device)
    counts, squares = sums.chunk(2)
    tokens = counts.sum().clamp(min=1.0)
    beyond = counts.sum() - counts.cumsum(0)[:-1]
    moment = (squares.cumsum(0)[:-1] + edges.square() * beyond) / tokens  # (len(EDGES),), rising
    within = (moment <= budget).sum()
    threshold = torch.cat([edges.new_zeros(1), edges]).index_select(0, within.view(1)).squeeze(0)
    return threshold, squares.sum() / tokens


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    threshold: float | torch.Tensor = 0.0,
    clip_ratio_low: float = 0.3,
    clip_ratio_high: float = 0.5,
) -> torch.Tensor:
    """M2PO's weight on Â·∇log π_θ (official code, `compute_m2po_policy_loss`): a hard clip, never tighter than given.

        Â > 0:  w = r,  0 if r > max(e^τ, 1+ε_high)         Â < 0:  w = r,  0 if r < min(e^−τ, 1−ε_low)

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20.
        advantages: Â, (B, T).
        threshold: τ of `find_threshold`.
        clip_ratio_low, clip_ratio_high: ε_low and ε_high, within which nothing is dropped.

    Returns:
        w, (B, T), detached, at least float32.
    """
    tau = torch.as_tensor(threshold, dtype=torch.float64, device=log_ratio.device)
    low, high = torch.exp(-tau).clamp(max=1.0 - clip_ratio_low), torch.exp(tau).clamp(min=1.0 + clip_ratio_high)
    return clipped_ratio_weight(log_ratio, advantages, low, high)


@register("m2po")
@dataclass
class M2POConfig(MethodConfig):
    """`policy_loss=m2po`: never tighter than actor.clip_ratio_low/high = 0.3/0.5, no dual clip.

    Attributes:
        m2po_budget: of the mean of (log r)² over tokens that are moving away, > 0 (paper: 0.04).
    """

    loss_mode: str = "m2po"
    rollout_anchor: ClassVar[bool] = True
    m2po_budget: float = 0.04

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        value = self.m2po_budget
        require(is_number(value) and value > 0, "m2po_budget", value, "must be a number > 0", "0.04")

    @property
    def needs(self) -> frozenset[str]:
        """See losses.method.MethodConfig."""
        return frozenset({extras.STATISTICS})

    def batch_statistics(self, tokens: Tokens, actor: Any) -> torch.Tensor:
        """See losses.method.MethodConfig."""
        return interval_sums(tokens.log_ratio, tokens.advantages)

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        threshold, moment = find_threshold(tokens.extras.need(extras.STATISTICS, self.method), self.m2po_budget)
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            threshold=threshold,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
        )
        found = {"m2po_threshold": threshold, "m2po_second_moment": moment}
        return weight, {name: value.to(weight.dtype).expand_as(weight) for name, value in found.items()}
