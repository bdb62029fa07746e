"""What a step says about its responses: how long each is, whether it was truncated, how its group fares."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import transfer_queue as tq
from transfer_queue import KVBatchMeta

from recipes.common.truncation import is_truncated
from recipes.runs.rightness import is_right


@dataclass(frozen=True)
class End:
    """length: in tokens; truncated: see `recipes.common.truncation`."""

    length: int
    truncated: bool


def real_part(batch: KVBatchMeta) -> KVBatchMeta:
    """The batch without the rows that verl adds to make it divisible: they are no responses."""
    return batch.select_keys(
        [key for key, tag in zip(batch.keys, batch.tags, strict=True) if not tag.get("is_padding", False)]
    )


def ends_of(batch: KVBatchMeta, limit: int, stops: Collection[int]) -> dict[str, End]:
    """Length and end of each response of a batch, by its key.

    Args:
        batch: responses in verl's TransferQueue; only those at the limit are fetched.
        limit: `data.max_response_length`, tokens.
        stops: see `recipes.common.truncation.stop_tokens`.
    """
    lengths = {key: int(tag["response_len"]) for key, tag in zip(batch.keys, batch.tags, strict=True)}
    longest = [key for key, length in lengths.items() if length >= limit]
    truncated = set()
    if longest:
        stored = tq.kv_batch_get(keys=longest, partition_id=batch.partition_id, select_fields=["responses"])
        fetched = zip(longest, stored["responses"].unbind(), strict=True)
        truncated = {key for key, tokens in fetched if is_truncated(tokens, limit, stops)}
    return {key: End(length, key in truncated) for key, length in lengths.items()}


def truncated_share(ends: Iterable[End]) -> dict[str, float]:
    """`response/truncated_share`; no metric where there are no responses."""
    truncated = [end.truncated for end in ends]
    return {"response/truncated_share": sum(truncated) / len(truncated)} if truncated else {}


def group_of(key: str) -> str:
    """The prompt that a response answers, from verl's key of the response: `<uid>_<session>_<output>`."""
    return key.rsplit("_", 2)[0]


def group_shares(keys: Sequence[str], scores: Sequence[float], extra_fields: Sequence[Any]) -> dict[str, float]:
    """`reward/groups/all_right_share` and `…/all_wrong_share`: prompts that teach nothing.

    All responses to such a prompt earn the same, so their advantages are 0; and all are right, or none is.

    Args:
        keys: verl's keys of the responses.
        scores: reward of each.
        extra_fields: what verl's agent loop stores of each, with the verdict; see `recipes.runs.rightness`.

    Returns:
        No metrics where no prompt has two responses: one alone says nothing about a group.
    """
    groups: dict[str, list[tuple[float, bool | None]]] = defaultdict(list)
    for key, score, verdict in zip(keys, scores, verdicts(extra_fields), strict=True):
        groups[group_of(key)].append((score, is_right(verdict.get("acc"), score)))
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return {}
    alike = [[right for _, right in group] for group in several if len({score for score, _ in group}) == 1]
    return {
        "reward/groups/all_right_share": sum(all(rights) for rights in alike) / len(several),
        "reward/groups/all_wrong_share": sum(not any(rights) for rights in alike) / len(several),
    }


VERDICT = ("status", "pred", "acc")


def verdicts(extra_fields: Sequence[Any]) -> list[dict[str, Any]]:
    """The verdict on each response, from what verl's agent loop stores; empty where another function scored it."""
    infos = [fields.get("reward_extra_info", {}) if isinstance(fields, dict) else {} for fields in extra_fields]
    return [{name: info[name] for name in VERDICT if name in info} for info in infos]


class ResponseNotes:
    """What verl's dump of responses lacks: group, length, end and verdict, by verl's key of the response.

    Args:
        limit: `data.max_response_length`, tokens.
        stops: see `recipes.common.truncation.stop_tokens`.
    """

    def __init__(self, limit: int, stops: Collection[int]) -> None:
        self._limit, self._stops = limit, stops
        self._noted: dict[str, dict[str, Any]] = {}

    def ends_of(self, batch: KVBatchMeta) -> dict[str, End]:
        """As the function of this name."""
        return ends_of(batch, self._limit, self._stops)

    def note(self, ends: Mapping[str, End], extra_fields: Sequence[Any] = ()) -> None:
        """Remember length, end and verdict of responses until they are dumped or forgotten.

        Args:
            ends: by verl's key.
            extra_fields: what verl's agent loop stores per response, in the order of `ends`; empty where verl's dump
                has the verdicts.
        """
        found = verdicts(extra_fields) if extra_fields else [{}] * len(ends)
        for (key, end), verdict in zip(ends.items(), found, strict=True):
            self._noted[key] = {"length": end.length, "truncated": end.truncated, **verdict}

    def forget(self, keys: Iterable[str]) -> None:
        """These are not dumped."""
        for key in keys:
            self._noted.pop(key, None)

    def noting(self, sample: Callable[..., Any], partition: str) -> Callable[..., Any]:
        """A replay buffer's `sample` that notes the ends of what it returns of a partition.

        For validations, whose dump by verl holds the verdicts.
        """

        def sample_and_note(*args: Any, **options: Any) -> Any:
            batch, metrics = sample(*args, **options)
            if batch.partition_id == partition:
                self.note(self.ends_of(batch))
            return batch, metrics

        return sample_and_note

    def columns(self, keys: Sequence[str]) -> dict[str, list[Any]]:
        """Columns for verl's dump, one entry per key: `uid` of the group, `length`, `truncated`, and the verdict.

        A response is dumped once, and forgotten then. A name that one response lacks is null there; one that all lack
        is no column.

        Args:
            keys: verl's keys of the responses, in the order of the dump.
        """
        rows = [self._noted.pop(key, {}) for key in keys]
        values = {name: [row.get(name) for row in rows] for name in ("length", "truncated", *VERDICT)}
        found = {name: column for name, column in values.items() if any(value is not None for value in column)}
        return {"uid": [group_of(key) for key in keys], **found}
