"""Do the updates work? verl skips one whose gradient is not finite and goes on for ever."""

from typing import Any

LIMIT = 8  # updates
SHARE = "actor/skipped_updates"


class BrokenUpdatesError(RuntimeError):
    """Too many updates in a row had to be skipped."""


class UpdateWatch:
    """Counts skipped updates over consecutive steps.

    Args:
        limit: how many may be skipped before a step without any; `trainer.v1.rlvr.skipped_update_limit`.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.skipped = 0

    def look(self, metrics: dict[str, Any], updates: int) -> None:
        """Count what one step skipped.

        Args:
            metrics: of the step, reduced: SHARE is the share of its updates that were skipped.
            updates: of the step.

        Raises:
            BrokenUpdatesError: says what to look at.
        """
        skipped = round(metrics.get(SHARE, 0.0) * updates)
        self.skipped = self.skipped + skipped if skipped else 0
        if self.skipped > self.limit:
            raise BrokenUpdatesError(
                f"{self.skipped} updates in a row of steps were skipped ({skipped} of {updates} in this one): their "
                "gradient was not finite, or actor/ppo_kl was above actor_rollout_ref.actor.policy_loss.skip_above_kl. "
                f"The limit is {self.limit}. Look at actor/grad_norm and actor/ppo_kl of the steps before, write a "
                "lower actor_rollout_ref.actor.optim.lr, or raise trainer.v1.rlvr.skipped_update_limit."
            )
