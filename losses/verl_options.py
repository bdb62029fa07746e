"""What verl asks of the section `actor_rollout_ref.actor.policy_loss`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class VerlOptions(Mapping[str, Any]):
    """The options of verl's PolicyLossConfig, a mapping of them as that is, without importing verl.

    Importing verl takes seconds, which nobody needs who looks at a weight. tests/unit/losses/test_verl_options.py holds
    these options against verl's class.

    Attributes:
        loss_mode: the registered loss that verl calls.
        rollout_correction: read by verl's own `bypass_mode` loss only, as the others are by its losses of their names.
    """

    loss_mode: str = "vanilla"
    clip_cov_ratio: float = 0.0002
    clip_cov_lb: float = 1.0
    clip_cov_ub: float = 5.0
    kl_cov_ratio: float = 0.0002
    ppo_kl_coef: float = 0.1
    dro_beta: float | None = None
    rollout_correction: Any = None

    def __getitem__(self, name: str) -> Any:
        if not hasattr(self, name):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))

    def __len__(self) -> int:
        return len(fields(self))
