"""The gradient weight of DGPO (arXiv 2603.14389)."""

import math

import torch

from losses.tokens import clamped_log_ratio


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float = 0.2,
    clip_ratio_high: float = 0.2,
    dgpo_n: int = 1,
    dgpo_m: int = 2,
) -> torch.Tensor:
    """DGPO's weight w on Â·∇log π_θ: plain importance weighting inside the trust region, a decay outside it.

        LN  (r < 1−ε_low,  Â < 0):   w = r · (r/(1−ε_low))^n
        HP  (r > 1+ε_high, Â > 0):   w = r · ((1+ε_high)/r)^(1/m)
        otherwise:                   w = r

    On ∇π_θ instead of ∇log π_θ these are C_left·π_θ^n, C_right·π_θ^(−1/m) and 1/π_old: polynomial decay on the left,
    radical decay on the right, continuous at both boundaries (paper, method section). n → ∞ is a hard clip on the left,
    m = 1 holds the right side at 1+ε_high, m → ∞ does not decay on the right. There is no dual clip.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        clip_ratio_low: ε_low, in (0, 1).
        clip_ratio_high: ε_high, > 0.
        dgpo_n: n, order of the polynomial decay.
        dgpo_m: m, order of the radical decay.

    Returns:
        w, (B, T), detached, at least float32, finite for every log-ratio that is not NaN.
    """
    log_r = clamped_log_ratio(log_ratio)
    # In log space both decays are a min/max against 0, so no branch is ever evaluated outside its domain: the published
    # torch.where form has NaN gradients at extreme ratios.
    below = (log_r - math.log1p(-clip_ratio_low)).clamp(max=0.0)  # (B, T), < 0 left of the trust region
    above = (log_r - math.log1p(clip_ratio_high)).clamp(min=0.0)  # (B, T), > 0 right of it
    decay = torch.where(advantages < 0, dgpo_n * below, 0.0) - torch.where(advantages > 0, above / dgpo_m, 0.0)
    return torch.exp(log_r + decay)
