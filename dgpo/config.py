"""DGPO's hyper-parameters as a verl policy-loss config."""

from dataclasses import dataclass
from typing import Any

from dgpo.weight import gradient_weight
from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens
from losses.validation import is_integer, require


@register("dgpo")
@dataclass
class DGPOConfig(MethodConfig):
    """`policy_loss=dgpo`. The trust region is verl's `actor.clip_ratio_low/high`.

    Attributes:
        dgpo_n: n ≥ 1, order of the polynomial decay left of the trust region (paper: 1; 2 for the 1.5B model).
        dgpo_m: m ≥ 1, order of the radical decay right of it (paper: 2).
    """

    loss_mode: str = "dgpo"
    dgpo_n: int = 1
    dgpo_m: int = 2

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        for name, default in (("dgpo_n", 1), ("dgpo_m", 2)):
            value = getattr(self, name)
            require(is_integer(value) and value >= 1, name, value, "must be an integer >= 1", str(default))

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        weight = gradient_weight(
            tokens.log_ratio,
            tokens.advantages,
            clip_ratio_low=actor.clip_ratio_low,
            clip_ratio_high=actor.clip_ratio_high,
            dgpo_n=self.dgpo_n,
            dgpo_m=self.dgpo_m,
        )
        return weight, {}
