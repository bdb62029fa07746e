"""What dynamic sampling (`sampling=dynamic`) costs, and when it can't go on; verl's replay buffer does the sampling."""

from typing import Any

LIMIT = 10.0  # rollout batches generated for one
DROPPED = ("training/filter_groups/evicted_samples", "training/filter_groups/discarded_surplus_samples")


class UnfilledBatchError(RuntimeError):
    """Too few prompts have responses that differ."""


def generated_per_kept(metrics: dict[str, Any], kept: int) -> dict[str, float]:
    """`reward/groups/generated_per_kept`: prompts generated for each one that is learnt from, 1 or more.

    Args:
        metrics: of the step, with what verl's replay buffer says it dropped.
        kept: prompts that are learnt from.
    """
    dropped = sum(metrics.get(name, 0) for name in DROPPED)
    return {"reward/groups/generated_per_kept": (kept + dropped) / kept} if kept else {}


class GenerationLimit:
    """Counts the prompts that are drawn in place of others during a step.

    Args:
        batch: `data.train_batch_size`, prompts.
        limit: how many times that many may be generated for one step; `trainer.v1.rlvr.generation_limit`.
    """

    def __init__(self, batch: int, limit: float) -> None:
        self._batch, self._limit, self._drawn = batch, limit, 0

    def begin_step(self) -> None:
        """A new batch is to be filled."""
        self._drawn = 0

    def draw(self, prompts: int) -> None:
        """So many more prompts are to be generated.

        Raises:
            UnfilledBatchError: that would be too many; says what to change.
        """
        self._drawn += prompts
        generated = self._batch + self._drawn
        if generated > self._limit * self._batch:
            raise UnfilledBatchError(
                f"sampling=dynamic: {generated} prompts generated for a batch of {self._batch} would be more than "
                f"trainer.v1.rlvr.generation_limit={self._limit:g} times as many, and too few have both right and "
                "wrong responses. Write sampling=all and look at reward/groups/all_right_share and all_wrong_share: "
                "mostly right asks for a harder data=, mostly wrong for an easier one or a larger "
                "actor_rollout_ref.rollout.n. If it shall go on, raise the limit."
            )
