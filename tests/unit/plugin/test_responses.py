"""What a step's metrics and its dump say about the responses."""

from typing import Any

import pytest
import torch
from transfer_queue import KVBatchMeta

from recipes.plugin import responses
from recipes.plugin.responses import (
    End,
    ResponseNotes,
    ends_of,
    group_shares,
    real_part,
    truncated_share,
    verdicts,
)

EOS, TURN_END, TEXT = 0, 7, 3
LIMIT = 4
INFO = {"status": "ok", "pred": "7", "acc": 1.0, "score": 1.0, "status_ok": 1.0}
VERDICTS = {"p_0_0": {"reward_extra_info": INFO}, "q_0_0": {}}


def keys_of(*sizes: int) -> list[str]:
    return [f"prompt-{group}_{i}_0" for group, size in enumerate(sizes) for i in range(size)]


# Groups


def shares(groups: list[list[float]], judged: list[list[Any]] | None = None) -> tuple[float, float]:
    """(all right, all wrong) of groups of rewards, and of what the verdicts call right where there are any."""
    scores = [score for group in groups for score in group]
    given = [{"acc": right} for group in judged for right in group] if judged else [{}] * len(scores)
    found = group_shares(keys_of(*map(len, groups)), scores, [{"reward_extra_info": info} for info in given])
    return found["reward/groups/all_right_share"], found["reward/groups/all_wrong_share"]


def test_groups_whose_responses_all_fare_alike() -> None:
    assert shares([[1, 1], [1, 0], [0, -1], [1, 0], [-1, -1], [0, 0]]) == pytest.approx((1 / 6, 2 / 6))


def test_partial_credit_is_not_right() -> None:
    """A tenth for a wrong answer: a group that differs teaches, one that is all wrong does not."""
    groups, verdicts_of = [[1, 0.1], [0.1, 0.1], [0.1, 0], [1, 1]], [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [True, True]]
    assert shares(groups, verdicts_of) == (1 / 4, 1 / 4)
    assert shares(groups) == (1 / 4, 1 / 4), "the reward alone: 1 is right, a tenth is nothing known to be"
    assert shares(groups, groups) == (1 / 4, 1 / 4), "verl's acc of a function that returns a number"


def test_a_shaped_reward_that_differs_teaches() -> None:
    assert shares([[1, 0.5], [1, 1]], [[1, 1], [1, 1]]) == (1 / 2, 0)


def test_a_group_of_one_is_no_group() -> None:
    assert group_shares(keys_of(1, 1), [1.0, 0.0], [{}] * 2) == {}
    assert group_shares([], [], []) == {}
    assert shares([[0.0], [1.0, 1.0]]) == (1, 0)


# Standard errors


# Ends


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> KVBatchMeta:
    """Four responses in a TransferQueue of one's own: short, stopped at the limit by either token, and cut off."""
    tokens = {
        "p_0_0": [TEXT, EOS],
        "p_1_0": [TEXT, TEXT, TEXT, EOS],
        "q_0_0": [TEXT, TEXT, TEXT, TURN_END],
        "q_1_0": [TEXT, TEXT, TEXT, TEXT],
    }

    def get(keys: list[str], partition_id: str, select_fields: list[str]) -> dict[str, Any]:
        assert partition_id == "train"
        assert select_fields == ["responses"]
        rows = [torch.tensor(tokens[key]) for key in keys]
        assert all(len(row) >= LIMIT for row in rows), "only those at the limit are needed"
        return {"responses": torch.nested.nested_tensor(rows, layout=torch.jagged)}

    monkeypatch.setattr(responses.tq, "kv_batch_get", get)
    tags = [{"response_len": len(row)} for row in tokens.values()]
    return KVBatchMeta(keys=list(tokens), tags=tags, partition_id="train")


def test_truncated_is_what_reaches_the_limit_without_a_stop_token(stored: KVBatchMeta) -> None:
    ends = ends_of(stored, LIMIT, {EOS, TURN_END})
    assert ends == {"p_0_0": End(2, False), "p_1_0": End(4, False), "q_0_0": End(4, False), "q_1_0": End(4, True)}
    assert truncated_share(ends.values()) == {"response/truncated_share": 0.25}
    assert truncated_share([]) == {}


def test_rows_that_verl_adds_are_no_responses() -> None:
    batch = KVBatchMeta(keys=["a_0_0", "b_0_0"], tags=[{}, {"is_padding": True}], partition_id="train")
    assert real_part(batch).keys == ["a_0_0"] and len(batch) == 2


# Dumps


def test_a_line_has_its_group_its_end_and_its_verdict(stored: KVBatchMeta) -> None:
    notes = ResponseNotes(LIMIT, {EOS, TURN_END})
    notes.note(notes.ends_of(stored), [VERDICTS.get(key) for key in stored.keys])
    assert notes.columns(["q_1_0", "p_0_0"]) == {
        "uid": ["q", "p"],
        "length": [4, 2],
        "truncated": [True, False],
        "status": [None, "ok"],
        "pred": [None, "7"],
        "acc": [None, 1.0],
    }
    assert notes.columns(["p_1_0"]) == {"uid": ["p"], "length": [4], "truncated": [False]}, "scored by another function"
    assert notes.columns(["p_0_0"]) == {"uid": ["p"]}, "dumped once, and forgotten"
    notes.forget(["q_0_0", "never noted"])
    assert notes.columns(["q_0_0"]) == {"uid": ["q"]}, "left out of the dump, and forgotten"


def test_what_a_validation_samples_is_noted(stored: KVBatchMeta) -> None:
    notes = ResponseNotes(LIMIT, {EOS, TURN_END})
    assert notes.noting(lambda *, batch: (batch, {"seconds": 1}), "val")(batch=stored) == (stored, {"seconds": 1})
    assert notes.columns(stored.keys).keys() == {"uid"}
    assert notes.noting(lambda batch: (batch, {}), "train")(stored) == (stored, {})
    columns = notes.columns(stored.keys)
    assert columns["length"] == [2, 4, 4, 4] and columns.keys() == {"uid", "length", "truncated"}, (
        "verl has the verdict"
    )


def test_a_verdict_is_what_the_reward_function_said() -> None:
    assert verdicts([{"reward_extra_info": INFO}, None, {}]) == [{"status": "ok", "pred": "7", "acc": 1.0}, {}, {}]
