"""What a response earns under each option, through the function verl calls."""

import asyncio
import inspect

import numpy
import pytest

from reward.options import RewardOptions
from reward.verdict import STATUSES, Verdict
from reward.verl_entry import compute_score

RIGHT, WRONG, UNBOXED = r"so \boxed{4}", r"so \boxed{5}", "so 4"


def scored(response: str, gold: object = "4", extra_info: dict | None = None, **options: object) -> dict:
    return asyncio.run(compute_score("any", response, gold, extra_info, **options))


def test_verl_awaits_it() -> None:
    assert inspect.iscoroutinefunction(compute_score)


@pytest.mark.parametrize(
    ("options", "right", "wrong", "unboxed"),
    [
        ({}, 1.0, 0.0, 0.0),
        ({"scale": "plus_minus_one"}, 1.0, -1.0, -1.0),
        ({"format_reward": 0.25}, 1.25, 0.25, 0.0),
        ({"scale": "plus_minus_one", "format_reward": 0.5}, 1.5, -0.5, -1.0),
        ({"require_box": False}, 1.0, 0.0, 1.0),
    ],
)
def test_rewards(options: dict, right: float, wrong: float, unboxed: float) -> None:
    found = [scored(response, **options) for response in (RIGHT, WRONG, UNBOXED)]
    assert [one["score"] for one in found] == [right, wrong, unboxed]
    assert [one["acc"] for one in found][:2] == [1.0, 0.0], "the accuracy is not shaped"


def test_thoughts_that_the_prompt_has_opened() -> None:
    """DeepSeek-R1-Distill's template ends with <think>: a response cut off before </think> shows no tag at all."""
    cut_off = r"maybe \boxed{4}? Wait, let me check"
    assert scored(cut_off)["status"] == "ok"
    assert scored(cut_off, thinking_open=True)["status"] == "truncated"
    assert scored(r"hmm</think> so \boxed{4}", thinking_open=True)["status"] == "ok"


def test_the_keys_are_the_same_for_every_response() -> None:
    keys = {"score", "acc", "pred", "status", *(f"status_{status}" for status in STATUSES)}
    for response in (RIGHT, WRONG, UNBOXED, "<think>", r"\boxed{", "\ud800", ""):
        found = scored(response)
        assert found.keys() == keys
        assert sum(found[f"status_{status}"] for status in STATUSES) == found[f"status_{found['status']}"] == 1.0
        found["pred"].encode("utf-8")


def test_what_the_data_set_says_about_the_answer() -> None:
    """As it comes out of parquet: absent entries are None, lists are arrays."""
    inches = {"answer": {"unit": "cm", "tolerance": None, "multiple": None}}
    assert scored(r"\boxed{4\text{ m}}", extra_info=inches)["status"] == "wrong"
    assert scored(r"\boxed{4.05}", extra_info={"answer": {"tolerance": 0.1}})["status"] == "ok"
    assert scored(r"\boxed{4.05}")["status"] == "wrong"
    assert scored(r"\boxed{7}", gold=numpy.array(["4", "7"], dtype=object))["status"] == "ok"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scal": 1}, ["reward_kwargs.scal", "unknown", "scale"]),
        ({"scale": "binary"}, ["scale='binary'", "zero_one"]),
        ({"format_reward": float("nan")}, ["format_reward", ">= 0"]),
        ({"require_box": "no"}, ["require_box='no'", "true or false"]),
        ({"workers": 0}, ["reward_kwargs.workers=0", ">= 1"]),
        ({"deadline": "5"}, ["reward_kwargs.deadline='5'", ">= 0.1"]),
    ],
)
def test_options_that_are_none(given: dict, words: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        RewardOptions.of(given)
    assert all(word in str(error.value) for word in words)


def test_a_format_reward_is_paid_for_a_complete_box_only() -> None:
    options = RewardOptions(format_reward=1.0)
    assert [options.reward(Verdict.of(status)) for status in ("truncated", "no_answer")] == [0.0, 0.0]
    assert options.reward(Verdict.of("unparsable", "??")) == 1.0
