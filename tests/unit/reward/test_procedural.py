"""The verifier of reasoning-gym behind our interface: same columns, same processes, its own judgement."""

import asyncio
import json
import os
from typing import Any

import pytest

pytest.importorskip("reasoning_gym", reason="compiled at set-up, where there is a compiler")

from reward import procedural, verl_entry
from reward.options import RewardOptions

WORD = {"question": "Spell this word backward: sun", "answer": "nus", "metadata": {"word": "sun"}}


def scored(response: str, task: str, entry: dict[str, Any], **options: Any) -> dict[str, float | str]:
    info = {"task": task, "entry": json.dumps(entry), "num_turns": 2}
    return asyncio.run(procedural.compute_score(task, response, entry["answer"], info, deadline=60, **options))


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (r"\boxed{nus}", "ok"),
        (r"<think>\boxed{nus}</think> It is \boxed{sun}", "wrong"),
        ("nus", "no_answer"),
        (r"\boxed{nu", "truncated"),
        (r"\boxed{" + "nus" * 1000 + "}", "wrong"),  # the library gives a part of the mark
    ],
)
def test_a_response_gets_the_status_that_it_has_earned(response: str, status: str) -> None:
    found = scored(response, "spell_backward", WORD)
    assert found["status"] == status and found["score"] == found["acc"] == float(status == "ok")


def test_columns_and_options_are_those_of_mathematics() -> None:
    ours = asyncio.run(verl_entry.compute_score("x", r"\boxed{3}", "3"))
    assert scored("", "spell_backward", WORD).keys() == ours.keys()
    assert scored(r"\boxed{sun}", "spell_backward", WORD, scale="plus_minus_one")["score"] == -1.0


def test_an_answer_is_judged_in_a_process_of_its_own_and_a_fault_there_is_a_status() -> None:
    assert procedural.submit(RewardOptions(deadline=60), "12", "no_such_task", "{}").result() == ("crashed", None)
    pool = procedural._pool(RewardOptions(deadline=60))
    assert pool.submit(os.getpid).result()[1] != os.getpid()


@pytest.mark.parametrize("info", [None, {}, {"task": "gcd"}, {"entry": "{}"}])
def test_a_row_that_is_none_of_its_own_is_refused(info: dict | None) -> None:
    with pytest.raises(ValueError, match="lacks task or entry: write data=reasoning_gym"):
        asyncio.run(procedural.compute_score("x", r"\boxed{1}", "1", info))
