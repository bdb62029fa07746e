"""What a method may need and verl does not hand to a registered policy loss.

verl calls a loss with log-probabilities, advantages and a mask. Whoever runs the update (recipes.plugin.actor_worker)
makes the rest available here for the duration of one call; `losses.surrogate` picks it up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

ENTROPY = "entropy"
CORRECT = "correct"
CORRECT_SHARE = "correct_share"
STATISTICS = "statistics"


@dataclass(frozen=True)
class Extras:
    """One micro-batch's share of it; a field is None where nobody provides it.

    Attributes:
        entropy: entropy of the current policy at each response token, in nats, (B, T), detached.
        correct: 1 where the response earned a positive reward, (B, 1).
        correct_share: share of the mini-batch's response tokens that belong to such responses, over all ranks, 0-dim. A
            number would have a fused loss compiled anew for each value.
        statistics: the method's additive statistics (MethodConfig.batch_statistics), summed over the whole update
            mini-batch and all data-parallel ranks, (K,) float64.
        collected: where to put this micro-batch's statistics instead of computing a loss.
    """

    entropy: torch.Tensor | None = None
    correct: torch.Tensor | None = None
    correct_share: torch.Tensor | None = None
    statistics: torch.Tensor | None = None
    collected: list[torch.Tensor] | None = None

    def need(self, name: str, method: str) -> torch.Tensor:
        """The named field.

        Raises:
            RuntimeError: nobody provides it, with the cure.
        """
        value: torch.Tensor | None = getattr(self, name)
        if value is None:
            raise RuntimeError(
                f"policy_loss={method} needs {_MEANING[name]}, which verl's own trainer does not hand to a loss. "
                f"Train with `python -m recipes.train`, or set trainer.v1.trainer_mode=rlvr and "
                f"VERL_USE_EXTERNAL_MODULES=recipes.plugin.trainer for your own verl command (see docs/drop-in.md)."
            )
        return value


_MEANING = {
    ENTROPY: "the current entropy of every token (and actor_rollout_ref.actor.calculate_entropy=true)",
    CORRECT: "which responses are correct",
    CORRECT_SHARE: "how many tokens are those of correct responses",
    STATISTICS: "sums over the whole update mini-batch",
}
NONE = Extras()
_current: ContextVar[Extras] = ContextVar("extras", default=NONE)


def current() -> Extras:
    """What is available to the loss that is being computed."""
    return _current.get()


@contextmanager
def provided(extras: Extras) -> Iterator[None]:
    """Make `extras` available to every loss computed inside the with block."""
    token = _current.set(extras)
    try:
        yield
    finally:
        _current.reset(token)
