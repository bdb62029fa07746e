"""DPPO-KL (arXiv 2602.04879): a trust region in the KL divergence of a token against all others."""

from dataclasses import dataclass

import torch

from losses.baselines.dppo_tv import DPPOConfig
from losses.registry import register
from losses.tokens import clamped_log_ratio, working_dtype

REST = 1e-8  # verl's floor of the probability of all other tokens


def binary_kl(old_log_prob: torch.Tensor, log_prob: torch.Tensor) -> torch.Tensor:
    """KL of μ from π_θ when only the token and all others together are told apart, in nats, shape of the inputs.

        μ·log(μ/π_θ) + (1−μ)·log((1−μ)/(1−π_θ))

    NaN where `log_prob` is above 0, which no distribution gives.
    """
    old_rest, rest = -torch.expm1(old_log_prob), -torch.expm1(log_prob)
    return torch.exp(old_log_prob) * (old_log_prob - log_prob) + old_rest * torch.log((old_rest + REST) / (rest + REST))


def gradient_weight(
    log_ratio: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float = 0.05,
    clip_ratio_high: float = 0.05,
    clip_ratio_c: float = 20.0,
) -> torch.Tensor:
    """DPPO-KL's weight on Â·∇log π_θ (paper, eq. 12 and 14): the binary KL D(μ‖π_θ) bounds the update.

        w = min(r, c);   0 if D > δ_high, Â > 0 and π_θ > μ,  or D > δ_low, Â ≤ 0 and π_θ < μ

    Args:
        log_ratio: log r = log π_θ − log μ, (B, T); clamped to ±20 as in verl.
        old_log_prob: log μ, (B, T); μ is the rollout policy in the paper.
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high: δ_low and δ_high, in nats.
        clip_ratio_c: c, where the ratio is truncated (paper, section 5.4: 20 or more).

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    old_log_prob = old_log_prob.to(working_dtype(old_log_prob, log_r))
    divergence = binary_kl(old_log_prob, old_log_prob + log_r)
    positive = advantages > 0
    # Not "<=" rather than ">": what is NaN is outside.
    too_high = ~(divergence <= clip_ratio_high) & (log_r > 0) & positive
    too_low = ~(divergence <= clip_ratio_low) & (log_r < 0) & ~positive
    return torch.exp(log_r).clamp(max=clip_ratio_c).masked_fill(too_high | too_low, 0.0)


@register("dppo_kl", verl_loss="dppo_kl")
@dataclass
class DPPOKLConfig(DPPOConfig):
    """`policy_loss=dppo_kl`: verl's own loss, unless it has the quadratic term."""

    loss_mode: str = "dppo_kl"
    bounded = staticmethod(gradient_weight)
