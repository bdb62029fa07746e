"""Slow texts do not stall a batch: repeats hold one process between them, and the work of a comparison is bounded."""

import time

import pytest
from pool_jobs import pool

from reward.equivalence import symbolic
from reward.scoring import MOST_TIMEOUTS, Scorer

SLOW = r"\int e^{x^2}\sin x\,dx"  # sympy finds no end of it
DEADLINE = 0.5  # seconds; the bound on work takes longer
SLACK = 20.0  # seconds for starting processes on a busy machine


def boxed(answer: str) -> str:
    return rf"\boxed{{{answer}}}"


def test_repeats_of_a_slow_text_hold_one_process_and_then_none() -> None:
    with pool(workers=2, deadline=DEADLINE) as one:
        scorer = Scorer(one)
        assert scorer.submit(boxed(r"\sqrt{12}"), r"2\sqrt3").result().verdict.status == "ok"
        start = time.monotonic()
        slow = [scorer.submit(boxed(SLOW), "7") for _ in range(40)]
        assert scorer.submit(boxed(r"\sqrt{27}"), r"3\sqrt3").result().verdict.status == "ok"
        assert {future.result().verdict.status for future in slow} == {"timeout"}
        assert time.monotonic() - start < DEADLINE + SLACK < 40 * DEADLINE / 2 + SLACK
        for _ in range(MOST_TIMEOUTS):
            scorer.submit(boxed(SLOW), "7").result()
        start = time.monotonic()
        assert scorer.submit(boxed(SLOW), "7").result().verdict.status == "timeout"
        assert time.monotonic() - start < DEADLINE / 2


def test_different_slow_texts_take_their_deadlines_at_the_same_time() -> None:
    with pool(workers=3, deadline=3.0) as one:
        [future.result() for future in [one.submit(time.sleep, 0.5) for _ in range(3)]]  # all processes have started
        start = time.monotonic()
        futures = [one.submit(time.sleep, 60 + more) for more in range(3)]
        assert [future.result() for future in futures] == [("timeout", None)] * 3
        assert time.monotonic() - start < 3.0 + 5.0


def test_a_comparison_ends_after_so_many_calls_and_always_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much sympy remembers: the second time, an integral is no cheaper than the first time."""
    monkeypatch.setattr(symbolic, "MOST_CALLS", 300_000)
    assert [symbolic.equal_by_math_verify(SLOW, "7") for _ in range(2)] == [None, None]
    monkeypatch.undo()
    assert symbolic.equal_by_math_verify(r"\int_0^1 x \, dx", r"\frac{1}{2}") is True
