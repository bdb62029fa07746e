"""Whether a response is right: one answer for the report's filter and the metrics of a step."""

from typing import Any

from recipes.common.numbers import is_number


def is_right(accuracy: Any, score: Any) -> bool | None:
    """By the verdict's `acc` where there is one, else by the reward.

    Args:
        accuracy: what the reward function returned as `acc`; verl puts the reward there where it returned a number.
        score: the reward.

    Returns:
        None where neither says: partial credit alone leaves open what is right.
    """
    known = accuracy if isinstance(accuracy, bool) or is_number(accuracy) else score
    return known > 0 if known in (-1, 0, 1) else None
