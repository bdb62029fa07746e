"""What a line under generations/ says about a response besides its text and its reward."""

from collections.abc import Mapping, Sequence
from typing import Any

from recipes.prompt_groups import group_of
from recipes.response_ends import End

VERDICT = ("status", "pred", "acc")


def verdicts(extra_fields: Sequence[Any]) -> list[dict[str, Any]]:
    """The verdict on each response, from what verl's agent loop stores; empty where another function scored it."""
    infos = [fields.get("reward_extra_info", {}) if isinstance(fields, dict) else {} for fields in extra_fields]
    return [{name: info[name] for name in VERDICT if name in info} for info in infos]


def columns(
    keys: Sequence[str], ends: Mapping[str, End], verdict_of: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[Any]]:
    """Columns for verl's dump, one entry per key: `uid` of the group, `length`, `truncated`, and the verdict.

    Args:
        keys: verl's keys of the responses, in the order of the dump.
        ends: by key.
        verdict_of: by key; a name that a response lacks is null there, one that all lack is no column.
    """
    found: dict[str, list[Any]] = {"uid": [group_of(key) for key in keys]}
    if ends.keys() >= set(keys):
        found["length"] = [ends[key].length for key in keys]
        found["truncated"] = [ends[key].truncated for key in keys]
    for name in VERDICT:
        values = [verdict_of.get(key, {}).get(name) for key in keys]
        if any(value is not None for value in values):
            found[name] = values
    return found
