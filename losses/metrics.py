"""What an update did to which tokens, as verl metrics.

verl averages a loss's metrics over micro-batches, mini-batches and ranks without weighting them by tokens, and wants
the same keys everywhere. A mean over "the tokens outside the trust region" has no value on a micro-batch that holds
none, so we emit two plain means over all response tokens, the share of such tokens and their weight mass; their
quotient is the mean weight there (`mean_weights`).
"""

import math
from typing import Any

import torch

from losses.ratio_histogram import RATIO_EDGES as RATIO_EDGES
from losses.ratio_histogram import RATIO_SHARES
from losses.tokens import Tokens

# By side of the ratio (left: r < 1−ε_low, right: r > 1+ε_high) and sign of the advantage. DGPO's two boundary cases are
# left_negative (LN) and right_positive (HP); in the other two the update pulls the ratio back towards 1.
BOUNDARY_CASES = ("left_negative", "left_positive", "right_negative", "right_positive")
COUNT = "tokens"


def boundary_sums(
    tokens: Tokens, weight: torch.Tensor, clip_ratio_low: float, clip_ratio_high: float
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Per boundary case the number of its tokens and the sum of their weights; tokens inside are in no case."""
    # verl's CISPO takes clip_ratio_low >= 1 to mean no lower bound.
    lowest = math.log1p(-clip_ratio_low) if clip_ratio_low < 1 else -math.inf
    dtype = weight.dtype
    sides = {
        "left": (tokens.log_ratio < lowest).to(dtype).flatten(),
        "right": (tokens.log_ratio > math.log1p(clip_ratio_high)).to(dtype).flatten(),
    }
    sums = {}
    for sign, member in (("negative", tokens.advantages < 0), ("positive", tokens.advantages > 0)):
        ones = member.to(dtype).flatten()
        weights = ones * weight.flatten()
        # Dot products: nothing of size (B, T) is written per case, and counts are exact.
        for side, outside in sides.items():
            sums[f"{side}_{sign}"] = (torch.dot(outside, ones), torch.dot(outside, weights))
    return sums


def token_sums(
    tokens: Tokens, weight: torch.Tensor, diagnostics: dict[str, torch.Tensor], actor: Any
) -> dict[str, torch.Tensor]:
    """Sums over the response tokens of one micro-batch, scalars; `as_metrics` turns them into means.

    Keys: `actor/ppo_kl` (−log r, the k1 estimate of KL(π_old‖π_θ), in nats), `actor/token_share/<case>`,
    `actor/weight_mass/<case>`, `actor/<name>` per diagnostic, and the number of tokens.
    """
    # Masked tokens have log r = 0 and Â = 0, so they are in no boundary case and add nothing to the first sum.
    sums = {COUNT: tokens.mask.sum(), "actor/ppo_kl": -tokens.log_ratio.sum()}
    for case, (count, mass) in boundary_sums(tokens, weight, actor.clip_ratio_low, actor.clip_ratio_high).items():
        sums[f"actor/token_share/{case}"] = count
        sums[f"actor/weight_mass/{case}"] = mass
    for name, value in diagnostics.items():
        sums[f"actor/{name}"] = (value * tokens.mask).sum()
    return sums


def as_metrics(sums: dict[str, torch.Tensor], ratio_counts: torch.Tensor) -> dict[str, float]:
    """Means over the response tokens as plain floats, with one device-to-host copy.

    Args:
        sums: see `token_sums`.
        ratio_counts: see losses.ratio_histogram; its shares are means over the tokens counted there.
    """
    dtype = sums[COUNT].dtype
    values = torch.cat([torch.stack([value.to(dtype) for value in sums.values()]), ratio_counts.to(dtype)]).tolist()
    totals, counts = dict(zip(sums, values, strict=False)), values[len(sums) :]
    count, counted = max(totals.pop(COUNT), 1.0), max(math.fsum(counts), 1.0)
    means = {name: total / count for name, total in totals.items()}
    return means | {name: number / counted for name, number in zip(RATIO_SHARES, counts, strict=True)}


def mean_weights(metrics: dict[str, float]) -> dict[str, float]:
    """Mean gradient weight in each boundary case that holds tokens, from the reduced metrics of an update."""
    means = {}
    for case in BOUNDARY_CASES:
        share = metrics.get(f"actor/token_share/{case}", 0.0)
        if share > 0:
            means[f"actor/weight_mean/{case}"] = metrics[f"actor/weight_mass/{case}"] / share
    return means
