"""The gradient weight of MASPO (arXiv 2602.17550)."""

import math

import torch

from losses.tokens import clamped_log_ratio, working_dtype

GATES = ("unilateral", "bilateral")


def sigma(
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    *,
    maspo_sigma_base: float = 1.0,
    maspo_alpha: float = 0.3,
    maspo_beta_pos: float = 0.03,
    maspo_beta_neg: float = 0.03,
    maspo_sigma_high: float = 10.0,
    maspo_risk_low: float = 0.1,
    maspo_risk_high: float = 10.0,
) -> torch.Tensor:
    """Width of the Gaussian gate: a probability-mass term times a risk factor.

        σ_pos = σ_base/π_old^α · (1 + β_pos·Â)          for Â > 0
        σ_neg = σ_base/π_old^α · (1 − β_neg·Â)^(−1)     for Â < 0

    Rare tokens get a wider gate; confident advantages loosen it for Â > 0 and tighten it for Â < 0. The official code,
    not the paper's formula, clamps the mass term to [σ_base, σ_high] and the risk factor to [risk_low, risk_high].

    Args:
        old_log_prob: log π_old, (B, T).
        advantages: Â, (B, T).

    Returns:
        σ, (B, T), detached, at least float32; the plain mass term where Â = 0.
    """
    dtype = working_dtype(old_log_prob)
    old_log_prob, advantages = old_log_prob.detach().to(dtype), advantages.detach().to(dtype)
    # σ_base/π_old^α in log space: π_old = 1e-12 or 0 never divides by zero.
    log_mass = math.log(maspo_sigma_base) - maspo_alpha * old_log_prob
    mass = torch.exp(log_mass.clamp(math.log(maspo_sigma_base), math.log(maspo_sigma_high)))
    # One of the two factors is exactly 1 for each sign, so their quotient is the risk factor of either.
    risk = (1.0 + maspo_beta_pos * advantages.clamp(min=0.0)) / (1.0 - maspo_beta_neg * advantages.clamp(max=0.0))
    return mass * risk.clamp(maspo_risk_low, maspo_risk_high)


def gate(
    log_ratio: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    *,
    maspo_gate: str = "unilateral",
    **hyper_parameters: float,
) -> torch.Tensor:
    """The gate F ∈ (0, 1], detached, (B, T).

        unilateral:  F = exp(−(r−1)² / (2σ²))   if (Â > 0 and r > 1) or (Â < 0 and r < 1);     F = 1 otherwise
        bilateral:   F = exp(−(r−1)² / (2σ²))   on both sides of r = 1, whatever the sign of Â

    Unilateral is the method; the paper's ablation has bilateral, which also attenuates steps back to the old policy.

    Arguments as in `gradient_weight`.
    """
    return gate_of_width(log_ratio, advantages, sigma(old_log_prob, advantages, **hyper_parameters), maspo_gate)


def gate_of_width(
    log_ratio: torch.Tensor, advantages: torch.Tensor, width: torch.Tensor, maspo_gate: str = "unilateral"
) -> torch.Tensor:
    """The gate for a σ that is known already; all (B, T)."""
    log_r = clamped_log_ratio(log_ratio)
    distance = torch.exp(log_r) - 1.0  # (B, T)
    if maspo_gate == "unilateral":
        # r − 1 in the direction that leaves the old policy; tokens that return to it (or have Â = 0) have distance 0.
        distance = (distance * torch.sign(advantages.detach().to(log_r.dtype))).clamp(min=0.0)
    return torch.exp(-0.5 * (distance / width).square())


def weight_of_gate(log_ratio: torch.Tensor, passed: torch.Tensor) -> torch.Tensor:
    """w = r · F for a gate F that is known already; all (B, T)."""
    return torch.exp(clamped_log_ratio(log_ratio)) * passed


def gradient_weight(
    log_ratio: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    *,
    maspo_gate: str = "unilateral",
    **hyper_parameters: float,
) -> torch.Tensor:
    """MASPO's weight on Â·∇log π_θ: w = r · sg(F); no hard clip, no dual clip.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        old_log_prob: log π_old, (B, T).
        advantages: Â, (B, T).
        maspo_gate: "unilateral" (the method) or "bilateral" (the paper's ablation); see `gate`.
        **hyper_parameters: the keyword arguments of `sigma`.

    Returns:
        w, (B, T), detached, at least float32, finite for every log-ratio that is not NaN.
    """
    passed = gate(log_ratio, old_log_prob, advantages, maspo_gate=maspo_gate, **hyper_parameters)
    return weight_of_gate(log_ratio, passed)
