"""What dynamic sampling (`sampling=dynamic`) keeps, what it costs, and when it can't go on.

verl's replay buffer does the sampling.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import transfer_queue as tq

from recipes.plugin.responses import group_of

ALL = (0.0, 1.0)  # share of right answers: as verl, that is whatever differs
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


class BandPass:
    """Which prompts verl's replay buffer drops: on top of its own, those with too few or too many right answers.

    Stands in the place of the buffer's `_dapo_filtered_keys` (keep_within).

    Args:
        buffer: a verl ReplayBuffer that filters groups.
        band: least and most share of right answers, both included; `trainer.v1.rlvr.keep_right_share`.
    """

    def __init__(self, buffer: Any, band: Sequence[float]) -> None:
        self._buffer, (self._low, self._high) = buffer, band
        self._verls = buffer._dapo_filtered_keys
        self._shares: dict[str, float] = {}

    def __call__(self, partition_id: str) -> tuple[set[str], Counter]:
        """Prompts to drop, and how many of them have which metric."""
        dropped, counts = self._verls(partition_id)
        if partition_id == "val":
            return dropped, counts
        left = self._buffer.finished_keys[partition_id] - dropped
        self._shares = {uid: share for uid, share in self._shares.items() if uid in left}
        self._shares |= self._read(partition_id, left - self._shares.keys())
        outside = {uid: share for uid, share in self._shares.items() if not self._low <= share <= self._high}
        return dropped | outside.keys(), counts + Counter(outside.values())

    def _read(self, partition_id: str, prompts: set[str]) -> dict[str, float]:
        """Share of right answers of each prompt."""
        keys = [key for key in self._buffer.partitions[partition_id] if group_of(key) in prompts]
        if not keys:
            return {}
        stored = tq.kv_batch_get(keys=keys, partition_id=partition_id, select_fields=["extra_fields"])
        verdicts: dict[str, list[float]] = defaultdict(list)
        for key, fields in zip(keys, stored.pop("extra_fields").tolist(), strict=True):
            verdicts[group_of(key)].append(float(fields["reward_extra_info"][self._buffer.filter_groups_metric]))
        return {uid: fmean(values) for uid, values in verdicts.items()}


def keep_within(buffer: Any, band: Sequence[float]) -> None:
    """Have verl's replay buffer drop what lies outside the band; arguments as for BandPass."""
    buffer._dapo_filtered_keys = BandPass(buffer, band)


class GenerationLimit:
    """Counts the prompts that are drawn in place of others during a step.

    Args:
        batch: `data.train_batch_size`, prompts.
        limit: how many times that many may be generated for one step; `trainer.v1.rlvr.generation_limit`.
        band: share of right answers that is kept; `trainer.v1.rlvr.keep_right_share`.
    """

    def __init__(self, batch: int, limit: float, band: Sequence[float] = ALL) -> None:
        self._batch, self._limit, self._band = batch, limit, tuple(band)
        self._drawn: int | None = None  # before the first step: what is then drawn ahead is in place of nothing

    def begin_step(self) -> None:
        """A new batch is to be filled."""
        self._drawn = 0

    def draw(self, prompts: int) -> None:
        """So many more prompts are to be generated, in place of others once a step has begun.

        Raises:
            UnfilledBatchError: that would be too many; says what to change.
        """
        if self._drawn is None:
            return
        self._drawn += prompts
        generated = self._batch + self._drawn
        if generated > self._limit * self._batch:
            wanted = "both right and wrong responses"
            if self._band != ALL:
                wanted = f"a share of right responses within trainer.v1.rlvr.keep_right_share={list(self._band)}"
            raise UnfilledBatchError(
                f"sampling=dynamic: {generated} prompts generated for a batch of {self._batch} would be more than "
                f"trainer.v1.rlvr.generation_limit={self._limit:g} times as many, and too few have {wanted}. "
                "Write sampling=all and look at reward/groups/all_right_share and all_wrong_share: "
                "mostly right asks for a harder data=, mostly wrong for an easier one or a larger "
                "actor_rollout_ref.rollout.n. If it shall go on, raise the limit"
                + (" or widen the band." if self._band != ALL else ".")
            )
