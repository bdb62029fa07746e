"""The hard clip that PPO and its relatives share."""

import torch

from losses.tokens import clamped_log_ratio


def clipped_ratio_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    low: float | torch.Tensor,
    high: float | torch.Tensor,
) -> torch.Tensor:
    """The gradient weight of min(r·Â, clip(r, low, high)·Â): importance weighting with the gradient cut off outside.

        Â > 0:  w = r,  0 if r > high         Â < 0:  w = r,  0 if r < low

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        low, high: bounds of the ratio, numbers or (B, T).

    Returns:
        w, (B, T), detached, at least float32.
    """
    ratio = torch.exp(clamped_log_ratio(log_ratio))
    outside = ((ratio > high) & (advantages > 0)) | ((ratio < low) & (advantages < 0))
    return ratio.masked_fill(outside, 0.0)
