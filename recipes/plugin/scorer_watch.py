"""Is the scorer itself well? A broken one would train the model on zeros without a word."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from reward.verdict import STATUSES

FAILURES = ("timeout", "crashed")
LIMIT = 0.2  # largest share of timeouts and crashes in a step
# Fewer responses than this say nothing about a share.
ENOUGH = 8


class BrokenScorerError(RuntimeError):
    """Too many responses of a step could not be scored, or one was not given a number."""


def status_metrics(extra_fields: Iterable[Any]) -> dict[str, float]:
    """Share of each status among the responses of a step, `reward/status/<status>`, and `reward/failure_share`.

    Args:
        extra_fields: what verl's agent loop stores per response; responses scored by another function than ours, which
            have no status, are left out.

    Returns:
        No metrics at all where no response has a status.
    """
    infos = (fields.get("reward_extra_info", {}) for fields in extra_fields if isinstance(fields, dict))
    counts = Counter(info["status"] for info in infos if info.get("status") in STATUSES)
    total = counts.total()
    if not total:
        return {}
    shares = {f"reward/status/{status}": counts[status] / total for status in STATUSES}
    return shares | {"reward/failure_share": sum(counts[status] for status in FAILURES) / total}


def stop_if_broken(metrics: dict[str, Any], responses: int, limit: float) -> None:
    """Refuse to learn from a step whose responses mostly could not be scored.

    Args:
        metrics: with what `status_metrics` returned.
        responses: number of responses of the step.
        limit: largest share of timeouts and crashes, in (0, 1]; `trainer.v1.rlvr.scorer_failure_limit`.

    Raises:
        BrokenScorerError: says what to look at.
    """
    share = metrics.get("reward/failure_share", 0.0)
    if responses >= ENOUGH and share > limit:
        timeouts, crashes = (metrics[f"reward/status/{status}"] for status in FAILURES)
        raise BrokenScorerError(
            f"{share:.0%} of {responses} responses could not be scored "
            f"(timeout {timeouts:.0%}, crashed {crashes:.0%}); the limit is {limit:.0%}. "
            "A model must not be trained on that. The log holds the first traceback of each kind; "
            "`python -m reward check <the step's file in <run>/generations/train> --explain` shows the responses. "
            "If the answers are as hard as that, raise reward.custom_reward_function.reward_kwargs.deadline or "
            "trainer.v1.rlvr.scorer_failure_limit."
        )


def stop_if_unsound(rewards: Sequence[float], extra_fields: Sequence[Any], keys: Sequence[str], function: str) -> None:
    """Refuse rewards that are no numbers, and responses that the reward function says different things about.

    verl would leave out the updates of the former, and fill the latter's columns with nothing.

    Args:
        rewards: of each response.
        extra_fields: as for `status_metrics`.
        keys: verl's, of each response.
        function: file and name of the reward function.

    Raises:
        BrokenScorerError: names the function and the response.
    """
    first: set[str] | None = None
    for reward, fields, key in zip(rewards, extra_fields, keys, strict=True):
        if not math.isfinite(reward):
            raise BrokenScorerError(f"The reward function {function} returned {reward} for response {key}.")
        names = set(fields.get("reward_extra_info", {})) if isinstance(fields, dict) else set()
        first = names if first is None else first
        if names != first:
            raise BrokenScorerError(
                f"The reward function {function} returned the keys {sorted(names)} for response {key}, and "
                f"{sorted(first)} for {keys[0]}: return the same ones for every response."
            )
