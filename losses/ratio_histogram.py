"""How the ratios r = π_θ/π_old of an update are spread, at next to no cost.

A step has millions of response tokens; a few thousand say the same. So short runs of positions are picked at a fixed
distance (single ones would cost a memory access each), and what is reported is the share of the picked tokens in each
bin: shares can be averaged over micro-batches and ranks, quantiles cannot, so these are read off the averaged shares
(`ratio_quantiles`).
"""

import functools
import itertools
import math
from collections.abc import Mapping

import torch

from losses.tokens import working_dtype

_ABOVE_ONE = (1.001, 1.01, 1.02, 1.05, 1.1, 1.2, 1.28, 1.4, 1.6, 2.0, 3.0, 5.0, 10.0, 100.0, 1000.0)
_BELOW_ONE = (0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
# Ratios, ascending; bin i holds edge[i-1] <= r < edge[i]. Fine near 1, where tokens are; the clip bounds are edges.
RATIO_EDGES = (*_BELOW_ONE, *_ABOVE_ONE)
SHARE, QUANTILE = "actor/ratio_share", "actor/ratio_quantile"
RATIO_SHARES = tuple(f"{SHARE}/bin_{i:02d}" for i in range(len(RATIO_EDGES) + 1))
QUANTILES = {"q001": 0.001, "q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99, "q999": 0.999}
POSITIONS = 2**12  # of a micro-batch, padding included, that are looked at
RUN = 16  # positions in a row: a cache line of float32


def distance_of(rows: int, length: int) -> int:
    """Distance of the starts of runs in a flattened (rows, length) tensor, for at most POSITIONS in all.

    It shares no factor with the length: else runs would meet the same positions of every response.
    """
    distance = -(-rows * length * RUN // POSITIONS)
    while math.gcd(distance, length) > 1:
        distance += 1
    return distance


def _picked(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.numel() <= POSITIONS:
        return tensor.flatten()
    return tensor.flatten().unfold(0, RUN, distance_of(*tensor.shape)).flatten()


@functools.cache
def _log_edges(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor(RATIO_EDGES, dtype=torch.float64).log().to(device=device, dtype=dtype)


@torch.no_grad()
def ratio_counts(log_prob: torch.Tensor, old_log_prob: torch.Tensor, response_mask: torch.Tensor) -> torch.Tensor:
    """Number of picked response tokens in each bin of the ratio; nothing waits for the device.

    Args:
        log_prob: log π_θ of the sampled tokens, (B, T).
        old_log_prob: log π_old, (B, T).
        response_mask: 1 for response tokens that count, (B, T).

    Returns:
        Counts, (len(RATIO_SHARES),), float.
    """
    new, old, mask = _picked(log_prob), _picked(old_log_prob), _picked(response_mask)
    log_ratio = new.to(working_dtype(new, old)) - old
    bins = torch.bucketize(log_ratio, _log_edges(log_ratio.device, log_ratio.dtype), right=True)
    # Padding may hold anything, NaN too: it falls into some bin and counts 0 there.
    return log_ratio.new_zeros(len(RATIO_SHARES)).scatter_add_(0, bins, mask.to(log_ratio.dtype))


def ratio_quantiles(metrics: Mapping[str, float]) -> dict[str, float]:
    """Ratios at QUANTILES, from an update's reduced shares; none where no token was counted.

    Within a bin the tokens are taken to be spread evenly over log r, so the error is at most the bin's width. In the
    two open-ended bins it is the edge that is reported: a bound on the quantile.
    """
    shares = [metrics.get(name, 0.0) for name in RATIO_SHARES]
    cumulative = list(itertools.accumulate(shares))
    if not cumulative[-1] > 0:  # also where a share is NaN
        return {}
    edges = [math.log(edge) for edge in RATIO_EDGES]
    left, right = [edges[0], *edges], [*edges, edges[-1]]
    found = {}
    for name, quantile in QUANTILES.items():
        wanted = quantile * cumulative[-1]
        i = next(i for i, total in enumerate(cumulative) if total >= wanted and shares[i] > 0)
        within = (wanted - cumulative[i] + shares[i]) / shares[i]
        found[f"{QUANTILE}/{name}"] = math.exp(left[i] + within * (right[i] - left[i]))
    return found
