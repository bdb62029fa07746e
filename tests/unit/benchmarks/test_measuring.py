"""Alternatives are timed in turn, warmed up, and summed up by medians."""

import pytest

from benchmarks.measure import timing


def test_calls_alternate_after_the_warm_up_and_only_rounds_are_timed() -> None:
    calls: list[str] = []
    functions = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    timed: list[int] = []

    def clock(function: timing.Function) -> float:
        timed.append(len(calls))
        function()
        return float(len(timed))

    times = timing.interleave(functions, 3, warmup=2, clock=clock)
    assert calls == ["a", "b"] * 5
    assert timed[0] == 4, "the warm-up was timed"
    assert times == {"a": [1.0, 3.0, 5.0], "b": [2.0, 4.0, 6.0]}


def test_no_round_is_an_error() -> None:
    with pytest.raises(ValueError, match="rounds=0"):
        timing.interleave({"a": lambda: None}, 0)


def test_one_disturbed_call_changes_neither_median_nor_ratio() -> None:
    times = {"base": [2.0, 2.0, 90.0, 2.0, 2.0], "other": [1.0, 1.0, 1.0, 1.0, 70.0]}
    assert timing.ratios(timing.medians(times), "base") == {"other": 0.5}


def test_spread_is_the_distance_of_the_quartiles_relative_to_the_median() -> None:
    assert timing.spread([8.0, 9.0, 10.0, 11.0, 12.0]) == pytest.approx(0.2)
    assert timing.spread([5.0]) == 0.0
    assert timing.spread([0.0, 0.0, 0.0]) == 0.0


def test_seconds_are_those_of_the_call() -> None:
    import time

    assert timing.seconds(lambda: time.sleep(0.02)) >= 0.02


def test_table_has_a_line_per_row() -> None:
    lines = timing.table(["loss", "ms"], [["a", 1], ["b", 2.5]]).splitlines()
    assert lines == ["| loss | ms |", "| --- | ---: |", "| a | 1 |", "| b | 2.5 |"]
