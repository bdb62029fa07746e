"""What an update did to which tokens, as verl metrics.

verl averages a loss's metrics over micro-batches, mini-batches and ranks without weighting them by tokens, and wants
the same keys everywhere. A mean over "the tokens outside the trust region" has no value on a micro-batch that holds
none, so we emit two plain means over all response tokens, the share of such tokens and their weight mass; their
quotient is the mean weight there (`mean_weights`).
"""

import math
from typing import Any

import torch

from losses.tokens import Tokens

# By side of the ratio (left: r < 1−ε_low, right: r > 1+ε_high) and sign of the advantage. DGPO's two boundary cases are
# left_negative (LN) and right_positive (HP); in the other two the update pulls the ratio back towards 1.
BOUNDARY_CASES = ("left_negative", "left_positive", "right_negative", "right_positive")
COUNT = "tokens"


def boundary_cases(tokens: Tokens, clip_ratio_low: float, clip_ratio_high: float) -> dict[str, torch.Tensor]:
    """One boolean tensor (B, T) per boundary case; tokens inside the trust region are in none."""
    # verl's CISPO takes clip_ratio_low >= 1 to mean no lower bound.
    lowest = math.log1p(-clip_ratio_low) if clip_ratio_low < 1 else -math.inf
    left, right = tokens.log_ratio < lowest, tokens.log_ratio > math.log1p(clip_ratio_high)
    negative, positive = tokens.advantages < 0, tokens.advantages > 0
    return {
        "left_negative": left & negative,
        "left_positive": left & positive,
        "right_negative": right & negative,
        "right_positive": right & positive,
    }


def token_sums(
    tokens: Tokens, weight: torch.Tensor, diagnostics: dict[str, torch.Tensor], actor: Any
) -> dict[str, torch.Tensor]:
    """Sums over the response tokens of one micro-batch, scalars; `as_metrics` turns them into means.

    Keys: `actor/ppo_kl` (−log r, the k1 estimate of KL(π_old‖π_θ), in nats), `actor/token_share/<case>`,
    `actor/weight_mass/<case>`, `actor/<name>` per diagnostic, and the number of tokens.
    """
    # Masked tokens have log r = 0 and Â = 0, so they are in no boundary case and add nothing to the first sum.
    sums = {COUNT: tokens.mask.sum(), "actor/ppo_kl": -tokens.log_ratio.sum()}
    for case, member in boundary_cases(tokens, actor.clip_ratio_low, actor.clip_ratio_high).items():
        sums[f"actor/token_share/{case}"] = member.sum()
        sums[f"actor/weight_mass/{case}"] = (member * weight).sum()
    for name, value in diagnostics.items():
        sums[f"actor/{name}"] = (value * tokens.mask).sum()
    return sums


def as_metrics(sums: dict[str, torch.Tensor]) -> dict[str, float]:
    """Means over the response tokens as plain floats, with one device-to-host copy."""
    dtype = sums[COUNT].dtype
    values = torch.stack([value.to(dtype) for value in sums.values()]).tolist()
    totals = dict(zip(sums, values, strict=True))
    count = max(totals.pop(COUNT), 1.0)
    return {name: total / count for name, total in totals.items()}


def mean_weights(metrics: dict[str, float]) -> dict[str, float]:
    """Mean gradient weight in each boundary case that holds tokens, from the reduced metrics of an update."""
    means = {}
    for case in BOUNDARY_CASES:
        share = metrics.get(f"actor/token_share/{case}", 0.0)
        if share > 0:
            means[f"actor/weight_mean/{case}"] = metrics[f"actor/weight_mass/{case}"] / share
    return means
