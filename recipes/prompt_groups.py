"""Do the groups teach anything? Under a group-relative advantage one whose responses all fare alike does not."""

from collections import defaultdict
from collections.abc import Iterable, Sequence


def group_of(key: str) -> str:
    """The prompt that a response answers, from verl's key of the response: `<uid>_<session>_<output>`."""
    return key.rsplit("_", 2)[0]


def group_shares(keys: Sequence[str], scores: Iterable[float]) -> dict[str, float]:
    """`reward/groups/all_right_share` and `…/all_wrong_share`: prompts whose responses all earn, and where none does.

    Args:
        keys: verl's keys of the responses.
        scores: reward of each; to earn is to be above 0.

    Returns:
        No metrics where no prompt has two responses: one alone says nothing about a group.
    """
    groups: dict[str, list[bool]] = defaultdict(list)
    for key, score in zip(keys, scores, strict=True):
        groups[group_of(key)].append(score > 0)
    several = [earned for earned in groups.values() if len(earned) > 1]
    if not several:
        return {}
    return {
        "reward/groups/all_right_share": sum(all(earned) for earned in several) / len(several),
        "reward/groups/all_wrong_share": sum(not any(earned) for earned in several) / len(several),
    }
