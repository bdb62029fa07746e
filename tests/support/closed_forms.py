"""The weights of the baselines on A * grad log pi, written a second time, in float64 numpy, from the papers and codes.

Each form is a list of (where, value) pairs of which the first that applies counts, the last one everywhere; keywords
carry the names and defaults the papers' settings have in this project.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

Form = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Sample:
    """Tokens in numpy: log-ratio (clamped at +-20, as verl does), log q, A, response mask, entropy, all (B, T)."""

    log_ratio: np.ndarray
    old: np.ndarray
    A: np.ndarray
    mask: np.ndarray
    entropy: np.ndarray

    @cached_property
    def x(self) -> np.ndarray:
        return np.clip(self.log_ratio, -20, 20)

    @cached_property
    def r(self) -> np.ndarray:
        return np.exp(self.x)

    @cached_property
    def q(self) -> np.ndarray:
        return np.exp(self.old)

    @cached_property
    def plus(self) -> np.ndarray:
        return self.A > 0

    @cached_property
    def minus(self) -> np.ndarray:
        return self.A < 0

    def over_sequence(self, values: np.ndarray) -> np.ndarray:
        """Sum over the response tokens, (B, T)."""
        return np.broadcast_to(np.where(self.mask, values, 0).sum(1, keepdims=True), values.shape)

    @property
    def length(self) -> np.ndarray:
        return np.maximum(self.over_sequence(np.ones_like(self.A)), 1)

    def tensors(self, names: str, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
        """The named fields as tensors; the mask stays boolean."""
        columns = (torch.from_numpy(np.array(getattr(self, name))) for name in names.split())
        return [column if column.dtype == torch.bool else column.to(dtype) for column in columns]


def everywhere(t: Sample) -> np.ndarray:
    return np.ones_like(t.plus)


def value(form: Form) -> np.ndarray:
    where, values = zip(*form, strict=True)
    return np.select(where, values, np.nan)


def members(form: Form) -> list[np.ndarray]:
    """Which tokens each branch decides."""
    taken, found = np.zeros_like(form[0][0]), []
    for where, _ in form:
        found.append(where & ~taken)
        taken = taken | where
    return found


def hard_clip(t: Sample, low, high) -> Form:
    zero = np.zeros_like(t.r)
    return [(t.plus & (t.r > high), zero), (t.minus & (t.r < low), zero), (everywhere(t), t.r)]


def grpo(t: Sample, clip_ratio_low=0.2, clip_ratio_high=0.2) -> Form:
    return hard_clip(t, 1 - clip_ratio_low, 1 + clip_ratio_high)


def cispo(t: Sample, clip_ratio_low=0.2, clip_ratio_high=0.2, cispo_mask_low=None, cispo_mask_high=None) -> Form:
    zero, form = np.zeros_like(t.r), []
    if cispo_mask_high is not None:
        form.append((t.plus & (t.r > 1 + cispo_mask_high), zero))
    if cispo_mask_low is not None:
        form.append((t.minus & (t.r < 1 - cispo_mask_low), zero))
    form.append((t.r > 1 + clip_ratio_high, zero + 1 + clip_ratio_high))
    if clip_ratio_low is not None:
        form.append((t.r < 1 - clip_ratio_low, zero + 1 - clip_ratio_low))
    return [*form, (everywhere(t), t.r)]


def ce_gppo(t: Sample, clip_ratio_low=0.2, clip_ratio_high=0.2, ce_gppo_beta1=0.5, ce_gppo_beta2=1.0) -> Form:
    low, high = 1 - clip_ratio_low, 1 + clip_ratio_high
    return [
        (t.plus & (t.r > high), np.full_like(t.r, ce_gppo_beta2 * high)),
        (t.minus & (t.r < low), np.full_like(t.r, ce_gppo_beta1 * low)),
        (everywhere(t), t.r),
    ]


def gppo(t: Sample, clip_ratio_low=0.2, clip_ratio_high=0.28) -> Form:
    low, high = 1 - clip_ratio_low, 1 + clip_ratio_high
    capped, raised = np.minimum(t.r, high), np.maximum(t.r, low)
    return [
        (t.plus & (t.r > high), capped),
        (t.plus, capped),
        (t.minus & (t.r < low), raised),
        (t.minus, raised),
        (everywhere(t), t.r),
    ]


def aspo(t: Sample, clip_ratio_low=0.2, clip_ratio_high=0.2, clip_ratio_c=3.0) -> Form:
    """Nothing is said about A = 0, where it does not matter; the ratio capped."""
    zero, cap = np.zeros_like(t.r), np.full_like(t.r, clip_ratio_c)
    return [
        (t.plus & (t.r > 1 + clip_ratio_high), zero),
        (t.plus & (1 / t.r > clip_ratio_c), cap),
        (t.plus, 1 / t.r),
        (t.minus & (t.r < 1 - clip_ratio_low), zero),
        (t.minus & (t.r > clip_ratio_c), cap),
        (t.minus, t.r),
        (everywhere(t), np.minimum(t.r, clip_ratio_c)),
    ]


def aspo_split(t: Sample, quantile=0.8, wide=0.4, clip_ratio_low=0.2, clip_ratio_high=0.2, clip_ratio_c=3.0) -> Form:
    """Epsilon is `wide` where the entropy exceeds the quantile of its own sequence."""
    above = np.zeros_like(t.mask)
    for row, mask in enumerate(t.mask):
        if mask.any():
            above[row] = t.entropy[row] > np.quantile(t.entropy[row][mask], quantile)
    return aspo(t, np.where(above, wide, clip_ratio_low), np.where(above, wide, clip_ratio_high), clip_ratio_c)


def dac_bounds(q, clip_ratio_low=0.16, clip_ratio_high=0.2, dac_ratio_max=10.0):
    lower = 0.5 + 0.5 * np.sqrt(np.maximum(1 - 4 * clip_ratio_low / q, 0))
    return lower, np.minimum(0.5 + 0.5 * np.sqrt(1 + 4 * clip_ratio_high / q), dac_ratio_max)


def dac(t: Sample, clip_ratio_low=0.16, clip_ratio_high=0.2, dac_ratio_max=10.0) -> Form:
    lower, upper = dac_bounds(t.q, clip_ratio_low, clip_ratio_high, dac_ratio_max)
    zero = np.zeros_like(t.r)
    return [
        (t.plus & (upper == dac_ratio_max) & (t.r > upper), zero),
        (t.plus & (t.r > upper), zero),
        (t.minus & (lower == 0.5) & (t.r < lower), zero),
        (t.minus & (t.r < lower), zero),
        (everywhere(t), t.r),
    ]


def bapo(t: Sample, c_low=0.6, c_high=1.2) -> Form:
    return hard_clip(t, c_low, c_high)


def m2po(t: Sample, threshold=0.0, clip_ratio_low=0.3, clip_ratio_high=0.5) -> Form:
    return hard_clip(t, min(np.exp(-threshold), 1 - clip_ratio_low), max(np.exp(threshold), 1 + clip_ratio_high))


def sapo(t: Sample, tau_pos=1.0, tau_neg=1.05) -> Form:
    """4 s (1 - s) r, in a form that does not cancel: s (1 - s) = 1 / (2 + e^z + e^-z)."""

    def gate(tau):
        z = tau * (t.r - 1)
        with np.errstate(over="ignore"):
            return 4 * t.r / (2 + np.exp(z) + np.exp(-z))

    return [(t.plus, gate(tau_pos)), (t.minus, gate(tau_neg)), (everywhere(t), gate(tau_neg))]


def gspo(t: Sample, clip_ratio_low=3e-4, clip_ratio_high=4e-4) -> Form:
    s = np.exp(np.minimum(t.over_sequence(t.x) / t.length, 10))
    zero = np.zeros_like(s)
    return [
        (t.plus & (s > 1 + clip_ratio_high), zero),
        (t.minus & (s < 1 - clip_ratio_low), zero),
        (everywhere(t), s),
    ]


def gmpo(t: Sample, clip_ratio_low=0.4, clip_ratio_high=0.4) -> Form:
    d = np.select([t.plus, t.minus], [np.minimum(t.x, clip_ratio_high), np.maximum(t.x, -clip_ratio_low)], default=t.x)
    sequence, zero = np.exp(t.over_sequence(d) / t.length), np.zeros_like(t.x)
    return [
        (t.plus & (t.x > clip_ratio_high), zero),
        (t.minus & (t.x < -clip_ratio_low), zero),
        (everywhere(t), sequence),
    ]


def topr(t: Sample, topr_ratio="product") -> Form:
    total = t.over_sequence(t.x)
    if topr_ratio == "geometric_mean":
        total = total / t.length
    one = np.ones_like(t.x)
    return [(~t.minus, one), (total > 0, one), (everywhere(t), np.exp(np.minimum(total, 0)))]


def vespo(t: Sample, vespo_k_pos=2.0, vespo_lambda_pos=3.0, vespo_k_neg=3.0, vespo_lambda_neg=2.0) -> Form:
    """Normalised so that the kernel is 1 at W = 1."""
    log_w = np.clip(t.over_sequence(t.x), np.log(1e-8), 20)

    def kernel(k, rate):
        return np.exp(rate + k * log_w - rate * np.exp(log_w))

    rare = log_w == np.log(1e-8)
    good, bad = kernel(vespo_k_pos, vespo_lambda_pos), kernel(vespo_k_neg, vespo_lambda_neg)
    return [
        (t.minus & rare, bad),
        (t.minus, bad),
        (rare, good),
        (everywhere(t), good),
    ]


def respo(t: Sample) -> Form:
    """The square root as a power; W itself where it is not that of the clamp."""
    total = t.over_sequence(t.x)
    w = np.exp(np.clip(total, -20, 20))
    good, bad = (1 + w) / 2 * np.exp(1 - w), w**0.5 * np.exp(2 * (1 - w**0.5))
    return [(t.minus & (total < -20), bad), (t.minus, bad), (total < -20, good), (everywhere(t), good)]


def dppo_tv(t: Sample, clip_ratio_low=0.15, clip_ratio_high=0.15, clip_ratio_c=20.0) -> Form:
    """verl's code, and ours, treat A = 0 as negative; it does not matter."""
    moved, zero = np.exp(t.old + t.x) - t.q, np.zeros_like(t.r)
    return [
        (t.plus & (t.r > 1) & (moved > clip_ratio_high), zero),
        (~t.plus & (t.r < 1) & (-moved > clip_ratio_low), zero),
        (t.r > clip_ratio_c, zero + clip_ratio_c),
        (everywhere(t), t.r),
    ]


def dppo_kl(t: Sample, clip_ratio_low=0.05, clip_ratio_high=0.05, clip_ratio_c=20.0) -> Form:
    """As verl's code: 1e-8 in the logarithm, a probability above 1 outside, A = 0 as negative."""
    p, zero = np.exp(t.old + t.x), np.zeros_like(t.r)
    with np.errstate(invalid="ignore"):
        kl = np.nan_to_num(-t.q * t.x + (1 - t.q) * np.log((1 - t.q + 1e-8) / (1 - p + 1e-8)), nan=np.inf)
    return [
        (t.plus & (p > t.q) & (kl > clip_ratio_high), zero),
        (~t.plus & (p < t.q) & (kl > clip_ratio_low), zero),
        (t.r > clip_ratio_c, zero + clip_ratio_c),
        (everywhere(t), t.r),
    ]


def drpo(t: Sample, drpo_delta=0.15, drpo_corrective=True) -> Form:
    """Minus the derivative by log r of -A r + |A| (p - q)^2 / (2 delta q), over A."""
    p = np.exp(t.old + t.x)
    kept = t.r - np.sign(t.A) * (p - t.q) * t.r / drpo_delta
    beyond = kept if drpo_corrective else np.zeros_like(kept)
    return [
        (t.plus & (p - t.q > drpo_delta), beyond),
        (t.minus & (t.q - p > drpo_delta), beyond),
        (t.plus, kept),
        (t.minus, kept),
        (everywhere(t), t.r),
    ]


def shaped(A, entropy, entropy_adv_alpha=0.4, entropy_adv_kappa=2.0) -> np.ndarray:
    """A' of Entropy Adv."""
    return A + np.minimum(entropy_adv_alpha * entropy, np.abs(A) / entropy_adv_kappa)


def entropy_adv(
    t: Sample, clip_ratio_low=0.2, clip_ratio_high=0.28, entropy_adv_alpha=0.4, entropy_adv_kappa=2.0
) -> Form:
    """Clip-Higher with A' in place of A, over A; where A = 0, A' is 0 too and any weight will do: Clip-Higher's."""
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(t.A == 0, 1, shaped(t.A, t.entropy, entropy_adv_alpha, entropy_adv_kappa) / t.A)
    capped = entropy_adv_alpha * t.entropy > np.abs(t.A) / entropy_adv_kappa
    (above, zero), (below, _), _ = grpo(t, clip_ratio_low, clip_ratio_high)
    return [
        (above, zero),
        (below, zero),
        (t.plus & capped, t.r * factor),
        (t.plus, t.r * factor),
        (t.minus & capped, t.r * factor),
        (t.minus, t.r * factor),
        (everywhere(t), t.r),
    ]
