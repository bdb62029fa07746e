"""Entropy Adv. (arXiv 2506.14758): an advantage bonus for tokens at which the current policy is undecided."""

from dataclasses import dataclass
from typing import Any

import torch

from losses import extras
from losses.baselines.grpo import gradient_weight as clip_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens, working_dtype
from losses.validation import is_number, require, require_on_actor


def advantage_factor(
    advantages: torch.Tensor,
    entropy: torch.Tensor,
    *,
    entropy_adv_alpha: float = 0.4,
    entropy_adv_kappa: float = 2.0,
) -> torch.Tensor:
    """The shaped advantage over the plain one: A'/Â for A' = Â + min(α·sg(H), |Â|/κ) (paper, section 3.1).

    κ > 1 keeps the sign: the factor lies within 1 ± 1/κ. It is 1 where Â = 0.

    Args:
        advantages: Â, (B, T).
        entropy: H, entropy of the current policy at the token in nats, (B, T).
        entropy_adv_alpha: α ≥ 0.
        entropy_adv_kappa: κ > 1.

    Returns:
        A'/Â, (B, T), detached, at least float32.
    """
    dtype = working_dtype(advantages, entropy)
    advantages, entropy = advantages.detach().to(dtype), entropy.detach().to(dtype)
    magnitude = advantages.abs().clamp(min=torch.finfo(dtype).tiny)
    bonus = (entropy_adv_alpha * entropy / magnitude).clamp(max=1.0 / entropy_adv_kappa)
    return 1.0 + torch.sign(advantages) * bonus


def gradient_weight(
    log_ratio: torch.Tensor,
    advantages: torch.Tensor,
    entropy: torch.Tensor,
    *,
    clip_ratio_low: float = 0.2,
    clip_ratio_high: float = 0.28,
    entropy_adv_alpha: float = 0.4,
    entropy_adv_kappa: float = 2.0,
) -> torch.Tensor:
    """Entropy Adv.'s weight on Â·∇log π_θ: Clip-Higher's weight times A'/Â.

    The bonus is no entropy regularisation: no gradient flows through H.

    Args:
        log_ratio: log r = log π_θ − log π_old, (B, T); clamped to ±20 as in verl.
        advantages, entropy, entropy_adv_alpha, entropy_adv_kappa: see `advantage_factor`.
        clip_ratio_low, clip_ratio_high: ε_low in (0, 1) and ε_high > 0.

    Returns:
        w, (B, T), detached, at least float32.
    """
    factor = advantage_factor(
        advantages, entropy, entropy_adv_alpha=entropy_adv_alpha, entropy_adv_kappa=entropy_adv_kappa
    )
    clipped = clip_weight(log_ratio, advantages, clip_ratio_low=clip_ratio_low, clip_ratio_high=clip_ratio_high)
    return clipped * factor


@register("entropy_adv")
@dataclass
class EntropyAdvConfig(MethodConfig):
    """`policy_loss=entropy_adv`: ε 0.2/0.28 and dual clip at c = 10, as for Clip-Higher.

    Attributes:
        entropy_adv_alpha: α ≥ 0 (paper: 0.4).
        entropy_adv_kappa: κ > 1 (paper: 2).
    """

    loss_mode: str = "entropy_adv"
    dual_clip: bool = True
    entropy_adv_alpha: float = 0.4
    entropy_adv_kappa: float = 2.0

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        alpha, kappa = self.entropy_adv_alpha, self.entropy_adv_kappa
        require(is_number(alpha) and alpha >= 0, "entropy_adv_alpha", alpha, "must be a number >= 0", "0.4")
        rule = "must be a number > 1: the bonus may not turn the sign of an advantage"
        require(is_number(kappa) and kappa > 1, "entropy_adv_kappa", kappa, rule, "2.0")

    def check_actor(self, actor: Any) -> None:
        """See losses.method.MethodConfig."""
        require_on_actor(
            actor.calculate_entropy, "calculate_entropy", actor.calculate_entropy, f"{self.method} needs it", "true"
        )

    @property
    def needs(self) -> frozenset[str]:
        """See losses.method.MethodConfig."""
        return frozenset({extras.ENTROPY})

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        factor = advantage_factor(
            tokens.advantages,
            tokens.entropy(self.method),
            entropy_adv_alpha=self.entropy_adv_alpha,
            entropy_adv_kappa=self.entropy_adv_kappa,
        )
        clipped = clip_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
        )
        return clipped * factor, {"entropy_adv_factor": factor}
