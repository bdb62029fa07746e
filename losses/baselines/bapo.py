"""BAPO (arXiv 2510.18927): clip bounds searched per update so that positive tokens keep their share of the gradient.

The search (algorithm 1), from sums over the whole update mini-batch:

    raise c_high by its step up to its end, then c_low by its step up to its end, while ρ(c_low, c_high) < ρ0
    ρ = S⁺(c_high) / (S⁺(c_high) + S⁻(c_low))

S⁺ depends on c_high only and S⁻ on c_low only, so the tokens need to be read once: they are sorted into the intervals
between neighbouring candidates, and each S is a partial sum over the intervals. The sums are additive, so they may come
from any number of micro-batches and ranks.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses import extras
from losses.clipping import clipped_ratio_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens
from losses.validation import is_number, require

STATISTICS = ("literal", "active")


@dataclass(frozen=True)
class Grid:
    """Candidates start, start + step, …, end (the last step may be shorter)."""

    start: float
    end: float
    step: float

    def values(self) -> list[float]:
        """All candidates in the order in which they are tried."""
        steps = math.ceil(round((self.end - self.start) / self.step, 9))
        return [min(self.start + i * self.step, self.end) for i in range(steps + 1)]

    def tensor(self, like: torch.Tensor) -> torch.Tensor:
        """The candidates in the dtype and on the device of another tensor."""
        return torch.tensor(self.values(), dtype=like.dtype, device=like.device)


def interval_sums(ratio: torch.Tensor, advantages: torch.Tensor, low: Grid, high: Grid) -> torch.Tensor:
    """What the search needs to know of some tokens.

    Args:
        ratio: r, (B, T).
        advantages: Â, (B, T); tokens with Â = 0 add nothing.
        low, high: candidates for c_low (L of them) and c_high (H).

    Returns:
        Sums of |Â| and of r·|Â| per interval, of positive tokens between candidates of c_high, then of negative ones
        between candidates of c_low, (2(H+1) + 2(L+1),), float64.
    """
    ratio, advantages = ratio.flatten().double(), advantages.flatten().double()
    parts = []
    # A token exactly at a bound is not clipped by it, on either side.
    for grid, sign, closed_left in ((high, 1.0, False), (low, -1.0, True)):
        edges = grid.tensor(ratio)
        interval = torch.bucketize(ratio, edges, right=closed_left)
        amount = (sign * advantages).clamp(min=0.0)
        for value in (amount, amount * ratio):
            parts.append(ratio.new_zeros(len(edges) + 1).index_add(0, interval, value))
    return torch.cat(parts)


def contributions(sums: torch.Tensor, low: Grid, high: Grid, statistic: str) -> tuple[torch.Tensor, torch.Tensor]:
    """S⁺ at every candidate of c_high, (H,), and S⁻ at every candidate of c_low, (L,).

        literal (paper):  S⁺ = Σ_{Â>0} min(r, c_high)·Â      S⁻ = Σ_{Â<0} max(r, c_low)·|Â|
        active:           S⁺ = Σ_{Â>0, r ≤ c_high} r·Â       S⁻ = Σ_{Â<0, r ≥ c_low} r·|Â|

    Raising c_low raises the literal S⁻, since clipped tokens count c_low·|Â|: ρ falls, and the second half of the
    paper's search moves away from its goal. `active` counts only tokens that still carry gradient.
    """
    uppers, lowers = high.tensor(sums), low.tensor(sums)
    h, n = len(uppers) + 1, len(lowers) + 1
    plain_high, ratio_high, plain_low, ratio_low = sums.split([h, h, n, n])
    inside_high = ratio_high.cumsum(0)[:-1]  # r ≤ c_high
    inside_low = ratio_low.sum() - ratio_low.cumsum(0)[:-1]  # r ≥ c_low
    if statistic == "active":
        return inside_high, inside_low
    outside_high = plain_high.sum() - plain_high.cumsum(0)[:-1]
    return inside_high + uppers * outside_high, inside_low + lowers * plain_low.cumsum(0)[:-1]


def find_bounds(
    sums: torch.Tensor, low: Grid, high: Grid, positive_share: float, statistic: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The bounds at which the search stops.

    Args:
        sums: `interval_sums`, added up over everything that belongs to the mini-batch.
        low, high: candidates.
        positive_share: ρ0.
        statistic: "literal" or "active".

    Returns:
        c_low, c_high and ρ there, scalars; the first candidates if no token has an advantage.
    """
    positive, negative = contributions(sums, low, high, statistic)
    uppers, lowers = high.tensor(sums), low.tensor(sums)
    # The states that the search passes: c_high rises first, then c_low at the last c_high.
    path_high = torch.cat([uppers, uppers[-1:].expand(len(lowers) - 1)])
    path_low = torch.cat([lowers[:1].expand(len(uppers)), lowers[1:]])
    path_positive = torch.cat([positive, positive[-1:].expand(len(lowers) - 1)])
    total = path_positive + torch.cat([negative[:1].expand(len(uppers)), negative[1:]])
    reached = path_positive >= positive_share * total
    stop = torch.where(reached.any(), reached.int().argmax(), len(path_high) - 1)
    share = path_positive / total.clamp(min=torch.finfo(sums.dtype).tiny)
    # index_select, because indexing by a tensor of one number copies it to the host.
    c_low, c_high, reached_share = torch.stack([path_low, path_high, share]).index_select(1, stop.view(1)).squeeze(1)
    return c_low, c_high, reached_share


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    c_low: float | torch.Tensor = 0.6,
    c_high: float | torch.Tensor = 1.2,
) -> torch.Tensor:
    """BAPO's weight on Â·∇log π_θ: the hard clip at bounds found by `find_bounds`.

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
        bapo_statistic: "literal" (paper) or "active"; see contributions.
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
        known = STATISTICS
        require(statistic in known, "bapo_statistic", statistic, f"must be one of {', '.join(known)}", "literal")

    @property
    def low(self) -> Grid:
        """Candidates of c_low."""
        return Grid(self.bapo_low_start, self.bapo_low_end, self.bapo_low_step)

    @property
    def high(self) -> Grid:
        """Candidates of c_high."""
        return Grid(self.bapo_high_start, self.bapo_high_end, self.bapo_high_step)

    @property
    def needs(self) -> frozenset[str]:
        """See losses.method.MethodConfig."""
        return frozenset({extras.STATISTICS})

    def batch_statistics(self, tokens: Tokens, actor: Any) -> torch.Tensor:
        """See losses.method.MethodConfig."""
        return interval_sums(torch.exp(tokens.log_ratio), tokens.advantages, self.low, self.high)

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        sums = tokens.extras.need(extras.STATISTICS, self.method)
        c_low, c_high, share = find_bounds(sums, self.low, self.high, self.bapo_positive_share, self.bapo_statistic)
        weight = gradient_weight(tokens.log_ratio, tokens.advantages, c_low=c_low, c_high=c_high)
        found = {"bapo_c_low": c_low, "bapo_c_high": c_high, "bapo_positive_share": share}
        return weight, {name: value.to(weight.dtype).expand_as(weight) for name, value in found.items()}
