"""MASPO's hyper-parameters as a verl policy-loss config."""

from dataclasses import dataclass
from typing import Any

from losses.method import MethodConfig, Weighted
from losses.registry import register
from losses.tokens import Tokens
from losses.validation import is_number, require
from maspo.weight import GATES, gate_of_width, sigma, weight_of_gate


@register("maspo")
@dataclass
class MASPOConfig(MethodConfig):
    """`policy_loss=maspo`; the symbols of the paper with the method as prefix.

    Attributes:
        maspo_sigma_base: σ_base > 0 (paper: 1).
        maspo_alpha: α ≥ 0, how strongly the gate widens for rare tokens (paper: 0.3 to 0.5; ≥ 0.8 is unstable).
        maspo_beta_pos: β_pos ≥ 0 (paper: 0.03).
        maspo_beta_neg: β_neg ≥ 0 (paper: 0.03).
        maspo_sigma_high: upper clamp of the mass term, ≥ σ_base (official code: 10).
        maspo_risk_low: lower clamp of the risk factor, > 0 (official code: 0.1).
        maspo_risk_high: upper clamp of the risk factor, ≥ risk_low (official code: 10).
        maspo_gate: "unilateral" (paper), or "bilateral", which its ablation compares; see maspo.weight.gate.
    """

    loss_mode: str = "maspo"
    maspo_sigma_base: float = 1.0
    maspo_alpha: float = 0.3
    maspo_beta_pos: float = 0.03
    maspo_beta_neg: float = 0.03
    maspo_sigma_high: float = 10.0
    maspo_risk_low: float = 0.1
    maspo_risk_high: float = 10.0
    maspo_gate: str = "unilateral"

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        for name, value in self.hyper_parameters.items():
            default = str(type(self).__dataclass_fields__[name].default)
            require(is_number(value), name, value, "must be a finite number", default)
            if name in ("maspo_sigma_base", "maspo_sigma_high", "maspo_risk_low", "maspo_risk_high"):
                require(value > 0, name, value, "must be > 0", default)
            else:
                require(value >= 0, name, value, "must be >= 0", default)
        require(
            self.maspo_sigma_high >= self.maspo_sigma_base,
            "maspo_sigma_high",
            self.maspo_sigma_high,
            f"must be >= maspo_sigma_base ({self.maspo_sigma_base})",
            "10.0",
        )
        require(
            self.maspo_risk_high >= self.maspo_risk_low,
            "maspo_risk_high",
            self.maspo_risk_high,
            f"must be >= maspo_risk_low ({self.maspo_risk_low})",
            "10.0",
        )
        gate = self.maspo_gate
        require(gate in GATES, "maspo_gate", gate, f"must be one of {', '.join(GATES)}", "unilateral")

    @property
    def hyper_parameters(self) -> dict[str, float]:
        """Keyword arguments of `maspo.weight.sigma`."""
        names = (name for name in self.__dataclass_fields__ if name.startswith("maspo_"))
        return {name: getattr(self, name) for name in names if name != "maspo_gate"}

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""
        width = sigma(tokens.old_log_prob, tokens.advantages, **self.hyper_parameters)
        passed = gate_of_width(tokens.log_ratio, tokens.advantages, width, self.maspo_gate)
        return weight_of_gate(tokens.log_ratio, passed), {"maspo_gate": passed, "maspo_sigma": width}
