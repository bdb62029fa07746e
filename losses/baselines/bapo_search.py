"""BAPO's search for clip bounds (arXiv 2510.18927, algorithm 1), from sums over the whole update mini-batch.

    raise c_high by its step up to its end, then c_low by its step up to its end, while ρ(c_low, c_high) < ρ0
    ρ = S⁺(c_high) / (S⁺(c_high) + S⁻(c_low))

S⁺ depends on c_high only and S⁻ on c_low only, so the tokens need to be read once: they are sorted into the intervals
between neighbouring candidates, and each S is a partial sum over the intervals. The sums are additive, so they may come
from any number of micro-batches and ranks.
"""

import math
from dataclasses import dataclass

import torch

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
