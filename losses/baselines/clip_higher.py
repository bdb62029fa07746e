"""Clip-Higher, the loss of DAPO (arXiv 2503.14476, eq. 10): GRPO with ε_high > ε_low.

The loss only: DAPO's dynamic sampling and overlong shaping are switches of their own.
"""

from dataclasses import dataclass

from losses.baselines.grpo import HardClipConfig, gradient_weight
from losses.registry import register

__all__ = ["ClipHigherConfig", "gradient_weight"]


@register("clip_higher", verl_loss="vanilla")
@dataclass
class ClipHigherConfig(HardClipConfig):
    """`policy_loss=clip_higher`: ε 0.2/0.28 and dual clip at c = 10 (the YAML sets them on the actor)."""
