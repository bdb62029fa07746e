"""Import this first, and the losses package can be imported where verl is not installed.

The losses themselves run unchanged. Of verl they need a base class, a registry and `agg_loss`; the stand-in of the
latter is verl's token-mean: a masked sum over a number of tokens. Where verl is installed nothing happens.
"""

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch

INSTALLED = find_spec("verl") is not None


@dataclass
class PolicyLossConfig:
    """Base of the methods' configs."""

    loss_mode: str = "vanilla"


def agg_loss(loss_mat: torch.Tensor, loss_mask: torch.Tensor, loss_agg_mode: str, **sizes: Any) -> torch.Tensor:
    """verl's token-mean over the mini-batch; its other modes are not timed.

    Raises:
        ValueError: another mode.
    """
    if loss_agg_mode != "token-mean":
        raise ValueError(f"{loss_agg_mode} needs verl; without it only token-mean is there")
    kept = torch.where(loss_mask.bool(), loss_mat, 0.0)
    return (kept * loss_mask).sum() / sizes["batch_num_tokens"] * sizes["dp_size"]


def _registry(names: dict[str, Any]) -> Callable[[str], Callable[[Any], Any]]:
    def register(name: str) -> Callable[[Any], Any]:
        def decorator(function: Any) -> Any:
            names[name] = function
            return function

        return decorator

    return register


def stand_in() -> None:
    """Put modules with these names where Python looks for verl's."""
    losses: dict[str, Any] = {}
    core = {"agg_loss": agg_loss, "POLICY_LOSS_REGISTRY": losses, "register_policy_loss": _registry(losses)}
    modules = {
        "verl": {},
        "verl.trainer": {},
        "verl.trainer.ppo": {},
        "verl.trainer.ppo.core_algos": core,
        "verl.workers": {},
        "verl.workers.config": {"PolicyLossConfig": PolicyLossConfig},
    }
    for name, attributes in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(attributes)
        sys.modules[name] = module


if not INSTALLED:
    stand_in()
