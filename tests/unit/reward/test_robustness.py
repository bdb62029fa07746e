"""Scoring survives whatever a model or a data set holds, in any thread, and says so when it is broken."""

import asyncio
import logging
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import reward.processes.pool
from reward import STATUSES, Verdict, compute_score, score, score_many, self_test
from reward.options import RewardOptions

ROOT = Path(__file__).parents[3]
RESPONSE_OF_STATUS = {
    "ok": r"\boxed{8}",
    "wrong": r"\boxed{7}",
    "no_answer": "8",
    "truncated": r"\boxed{8",
    "unparsable": r"\boxed{@@}",
    "timeout": r"\boxed{\sum_{k=1}^{10^{10}} \sin(k)}",
    "crashed": None,
}


def columns(response: Any, gold: Any, **options: Any) -> dict[str, float | str]:
    """What verl gets."""
    return asyncio.run(compute_score("math", response, gold, {"index": 0}, **options))


@pytest.mark.parametrize(("status", "response"), RESPONSE_OF_STATUS.items())
def test_verl_sees_the_same_keys_and_types_for_every_status(status: str, response: Any) -> None:
    # A timeout comes before the comparison gives up by itself (MOST_CALLS), on a fast machine too.
    result = columns(response, "8", deadline=0.3 if status == "timeout" else 5.0)
    numbers = {"score", "acc", *(f"status_{known}" for known in STATUSES)}
    assert {key: type(value) for key, value in result.items()} == {
        **dict.fromkeys(numbers, float),
        "pred": str,
        "status": str,
    }
    assert result["status"] == status
    assert {known for known in STATUSES if result[f"status_{known}"]} == {status}
    assert result["score"] == result["acc"] == (1.0 if status == "ok" else 0.0)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match="some_option is unknown"):
        columns(r"\boxed{8}", "8", some_option=True)


@pytest.mark.parametrize("answer", ["\x00", "7\x00", "\ud800", "\udfff8", "٧", "\\", "\\\\", "^", "_{", "$", "𝟕" * 50])
def test_odd_characters_never_raise(answer: str) -> None:
    result = columns(rf"\boxed{{{answer}}}", "8")
    assert result["score"] == 0.0
    assert result["status"] != "crashed"
    str(result["pred"]).encode("utf-8")  # verl writes it into a file


@pytest.mark.parametrize("gold", [8, 8.0, ["8"], ("7", "8"), [7, 8]])
def test_golds_may_be_numbers_and_lists_of_them(gold: Any) -> None:
    assert columns(r"\boxed{8}", gold)["status"] == "ok"


def test_a_gold_from_parquet_may_be_an_array() -> None:
    numpy = pytest.importorskip("numpy")
    assert columns(r"\boxed{8}", numpy.array(["7", "8"], dtype=object))["status"] == "ok"
    assert columns(r"\boxed{8}", numpy.int64(8))["status"] == "ok"


@pytest.mark.parametrize("gold", [None, "", " ", [], [None], ["8", None]])
def test_a_missing_gold_is_the_fault_of_the_data_not_of_the_model(gold: Any) -> None:
    assert columns(r"\boxed{8}", gold)["status"] == "crashed"


def test_a_fault_is_crashed_and_logged_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(reward.processes.pool, "_reported", set())
    with caplog.at_level(logging.ERROR):
        verdicts = score_many([(r"\boxed{8}", [])] * 5)
    assert [(verdict.score, verdict.status) for verdict in verdicts] == [(0.0, "crashed")] * 5
    assert len(caplog.records) == 1
    assert "write the accepted answer" in caplog.text
    assert "Traceback" in caplog.text


def test_tasks_of_one_event_loop_score_at_the_same_time_and_may_be_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    async def scored() -> list[Any]:
        async def one(number: int) -> Any:
            return await compute_score("math", rf"\boxed{{\sqrt{{{4 * number}}}}}", rf"2\sqrt{{{number}}}")

        tasks = [asyncio.create_task(one(number)) for number in range(2, 42)]
        await asyncio.sleep(0)
        for task in tasks[::4]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(scored())
    assert [type(one) for one in found[::4]] == [asyncio.CancelledError] * 10
    assert [one["status"] for number, one in enumerate(found) if number % 4] == ["ok"] * 30
    assert caplog.records == []  # nor does a verdict find its place taken


def test_scores_in_threads_equal_those_in_the_main_thread() -> None:
    pairs = [(rf"\boxed{{\frac{{{i}}}{{7}}}}", f"{i}/7" if i % 2 else f"{i}/9") for i in range(1, 41)]
    with ThreadPoolExecutor(4) as threads:
        concurrent = list(threads.map(score, *zip(*pairs, strict=True)))
    assert concurrent == score_many(pairs)
    assert sum(verdict.score for verdict in concurrent) == 20


@pytest.mark.parametrize("answer", ["(" * 150 + "7" + ")" * 150, "1" + "+1" * 1000, "9" * 20_000, "100000!", r"1/0"])
def test_a_correct_answer_right_after_a_pathological_one_is_right(answer: str) -> None:
    verdicts = score_many([(rf"\boxed{{{answer}}}", "8"), (r"\boxed{\frac{16}{2}}", "8")])
    assert verdicts[0].score == 0.0
    assert verdicts[1].status == "ok"


def test_a_verdict_of_an_unknown_status_is_refused() -> None:
    with pytest.raises(ValueError, match="write one of ok, wrong"):
        Verdict.of("fine")  # type: ignore[arg-type]
    assert set(RESPONSE_OF_STATUS) == set(STATUSES)


def test_processes_that_score_load_no_training_framework() -> None:
    heavy = ("torch", "verl", "omegaconf", "ray", "transformers")
    probe = f"import sys, reward; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("answer, gold", [(r"x^{17}+\sqrt{5}", "5:00"), (r"x^{17}+\sqrt{5}", r"05\!:\!00")])
def test_a_time_of_day_is_wrong_for_a_formula_and_no_failure_of_the_scorer(answer, gold):
    """sympy: "Can't evaluate nan or zoo". A step with many such answers must not look like a broken scorer."""
    assert score(rf"\boxed{{{answer}}}", gold).status == "wrong"
    assert score(rf"\boxed{{{gold}}}", gold).status == "ok"


def test_the_self_test_bears_a_busy_moment_and_names_what_stays_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy for a moment refuses no training; one that is always too slow does."""
    slow = (RESPONSE_OF_STATUS["timeout"].removeprefix(r"\boxed{").removesuffix("}"), "8", "ok")
    monkeypatch.setattr(self_test, "CASES", (slow,))
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"is 'timeout', not 'ok'.*raise reward\..*deadline"):
        self_test.self_test.__wrapped__(RewardOptions(deadline=0.3))
    assert time.monotonic() - start > self_test.ATTEMPTS * 0.3
    monkeypatch.setattr(self_test, "CASES", (("7", "8", "ok"),))
    with pytest.raises(RuntimeError, match="is 'wrong', not 'ok'"):
        self_test.self_test.__wrapped__(RewardOptions())
