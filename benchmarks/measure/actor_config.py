"""What the losses read of an actor's config, where no config is composed."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Actor:
    """What the losses read of verl's actor config."""

    policy_loss: Any
    global_batch_info: dict[str, Any]
    clip_ratio: float = 0.2
    clip_ratio_low: float = 0.2
    clip_ratio_high: float = 0.2
    clip_ratio_c: float = 3.0

    def get(self, name: str, default: Any = None) -> Any:
        """As of a mapping."""
        return getattr(self, name, default)
