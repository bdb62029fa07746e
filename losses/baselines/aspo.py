"""ASPO (arXiv 2510.06062): the importance ratio of positive tokens turned upside down."""

from dataclasses import dataclass
from typing import Any

import torch

from losses import extras
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, clamped_log_ratio
from losses.validation import is_number, require, require_on_actor


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_ratio_low: float | torch.Tensor = 0.2,
    clip_ratio_high: float | torch.Tensor = 0.2,
    clip_ratio_c: float = 3.0,
) -> torch.Tensor:
    """ASPO's weight on Â·∇log π_θ (paper, section 4): unlikely tokens with Â > 0 are raised more, not less.

        Â > 0:  w = min(1/r, c),  0 if r > 1+ε_high         Â < 0:  w = min(r, c),  0 if r < 1−ε_low

    The mask is tested on r itself. The cap c keeps the gradient, unlike PPO's dual clip, which drops it.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages: Â, (B, T).
        clip_ratio_low, clip_ratio_high: ε_low and ε_high, numbers or (B, T).
        clip_ratio_c: c, largest weight.

    Returns:
        w, (B, T), detached, at least float32.
    """
    log_r = clamped_log_ratio(log_ratio)
    ratio = torch.exp(log_r)
    positive, negative = advantages > 0, advantages < 0
    weight = torch.exp(torch.where(positive, -log_r, log_r)).clamp(max=clip_ratio_c)
    outside = ((ratio > 1.0 + clip_ratio_high) & positive) | ((ratio < 1.0 - clip_ratio_low) & negative)
    return weight.masked_fill(outside, 0.0)


def high_entropy(entropy: torch.Tensor, mask: torch.Tensor, quantile: float) -> torch.Tensor:
    """Whether a token's entropy lies above the given quantile of its own response, boolean, (B, T).

    The quantile is that of torch.nanquantile: linear between the two values next to its rank. That function itself
    refuses more than 2²⁴ tokens, and not every release of torch compiles it.
    """
    known = entropy.masked_fill(mask == 0, float("inf")).sort(dim=-1).values
    last = (mask != 0).sum(dim=-1, keepdim=True).sub(1).clamp(min=0)  # (B, 1), as are the next
    rank = quantile * last
    below = rank.long()
    lower, upper = known.gather(-1, below), known.gather(-1, torch.minimum(below + 1, last))
    return entropy > torch.lerp(lower, upper, (rank - below).to(known.dtype))


@register("aspo")
@dataclass
class ASPOConfig(MethodConfig):
    """`policy_loss=aspo`: ε 0.2/0.2, c = actor.clip_ratio_c = 3 (official code).

    Attributes:
        aspo_entropy_split: use a wider trust region for tokens of high entropy (official code, not in the paper).
        aspo_entropy_quantile: in (0, 1), which tokens of a response count as such (official code: 0.8).
        aspo_split_clip_ratio: ε on both sides for them (official code: 0.4).
    """

    loss_mode: str = "aspo"
    aspo_entropy_split: bool = False
    aspo_entropy_quantile: float = 0.8
    aspo_split_clip_ratio: float = 0.4

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        split = self.aspo_entropy_split
        require(isinstance(split, bool), "aspo_entropy_split", split, "must be true or false", "false")
        for name, default in (("aspo_entropy_quantile", "0.8"), ("aspo_split_clip_ratio", "0.4")):
            value = getattr(self, name)
            require(is_number(value) and 0 < value < 1, name, value, "must be between 0 and 1", default)

    def check_actor(self, actor: Any) -> None:
        """See losses.method.MethodConfig."""
        entropy = actor.calculate_entropy
        rule = "aspo_entropy_split needs the entropy"
        require_on_actor(entropy or not self.aspo_entropy_split, "calculate_entropy", entropy, rule, "true")

    @property
    def needs(self) -> frozenset[str]:
        """See losses.method.MethodConfig."""
        return frozenset({extras.ENTROPY}) if self.aspo_entropy_split else frozenset()

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        low, high = actor.clip_ratio_low, actor.clip_ratio_high
        if self.aspo_entropy_split:
            undecided = high_entropy(tokens.entropy(self.method), tokens.mask, self.aspo_entropy_quantile)
            wide = self.aspo_split_clip_ratio * undecided
            low, high = wide + low * ~undecided, wide + high * ~undecided
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=low,
            clip_ratio_high=high,
            clip_ratio_c=actor.clip_ratio_c,
        )
        return weight, {}
