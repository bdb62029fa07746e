"""Lengths of responses: lognormal, cut at the limit, with a given mean after the cut."""

import math
from functools import cache

import numpy as np
from scipy.stats import norm

# Standard deviation of the log length, between two published shares of responses that were cut: 0.6 gives 4 to 5 % at a
# mean of 3,400 of 8,192 tokens (DeepScaleR), 0.8 gives 12 to 13 % at 7,800 of 16,384 (AReaL's log in published.json).
SPREAD = 0.7
SHARES = (0.25, 0.75)  # mean length as a share of the limit where it is not given: an assumption


def _cut_mean(location: float, limit: float, spread: float) -> float:
    """E[min(X, limit)] for log X ~ N(location, spread²)."""
    edge = (math.log(limit) - location) / spread
    below = math.exp(location + spread**2 / 2) * norm.cdf(edge - spread)
    return float(below + limit * norm.sf(edge))


@cache  # a plan of many sizes asks for the same few
def location(mean: float, limit: float, spread: float = SPREAD) -> float:
    """Mean of the log length for which the mean length, cut at the limit, is `mean`: found by bisection.

    Args:
        mean: tokens, in (0, limit).
        limit: tokens.
        spread: standard deviation of the log length.

    Raises:
        ValueError: no such distribution.
    """
    if not 0 < mean < limit:
        raise ValueError(f"mean_length={mean:g} must lie between 0 and data.max_response_length={limit:g}")
    low, high = -20.0, math.log(limit) + 20 * spread
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _cut_mean(middle, limit, spread) < mean else (low, middle)
    return (low + high) / 2


def sample(count: int, mean: float, limit: int, seed: int, spread: float = SPREAD) -> np.ndarray:
    """Draw lengths in whole tokens, from 1 to `limit`: (count,), the same for the same seed."""
    drawn = np.random.default_rng(seed).lognormal(location(mean, limit, spread), spread, count)
    return np.clip(np.rint(drawn), 1, limit).astype(np.int64)


def longest(count: float, mean: float, limit: int, spread: float = SPREAD) -> float:
    """About how long the longest of `count` responses is: the quantile count/(count + 1), cut at the limit."""
    return min(float(limit), math.exp(location(mean, limit, spread) + spread * norm.isf(1 / (count + 1))))


def second_moment(mean: float, limit: int, spread: float = SPREAD) -> float:
    """E[length²], after the cut."""
    log_mean = location(mean, limit, spread)
    edge = (math.log(limit) - log_mean) / spread
    below = math.exp(2 * log_mean + 2 * spread**2) * norm.cdf(edge - 2 * spread)
    return float(below + limit**2 * norm.sf(edge))
