"""From verdict rows to records, by hand."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from rich.console import Console

from recipes.evaluate import results


def verdict(benchmark, problem, sample, acc, pred="", status=None, **more):
    return {
        **{"benchmark": benchmark, "problem": problem, "sample": sample, "acc": acc, "pred": pred},
        **{"status": status or ("ok" if acc else "wrong"), "tokens": 10 * (sample + 1), "truncated": False, **more},
    }


WANTED = [(*one, sample) for sample, one in product(range(2), [("a", "0"), ("a", "1"), ("b", "x")])]
ROWS = [
    verdict("a", "0", 0, 1.0, "1"),
    verdict("a", "0", 1, 0.0, "2"),
    verdict("a", "1", 0, 0.0, "", "no_answer", truncated=True),
    verdict("a", "1", 1, 0.0, "3"),
    verdict("b", "x", 0, 1.0, "4"),
    verdict("b", "x", 1, 1.0, "4.0"),
]


def records(rows, wanted=WANTED):
    return results.all_records(results.sheets(wanted, rows), [1, 2])


def test_records_by_hand():
    found = records(ROWS)
    a, b, average = found["a"], found["b"], found["average"]
    assert (a["problems"], a["samples"], a["missing"]) == (2, 2, 0)
    assert (a["avg"], b["avg"], average["avg"]) == (0.25, 1.0, 0.625)
    assert a["pass"] == {"1": 0.25, "2": 0.5} and average["pass"] == {"1": 0.625, "2": 0.75}
    assert a["majority"] == 0.5 and b["majority"] == 1.0  # the first of two different answers; 4 and 4.0 are one
    assert a["statuses"] == {
        **dict.fromkeys(("truncated", "unparsable", "timeout", "crashed"), 0.0),
        **{"ok": 0.25, "wrong": 0.5, "no_answer": 0.25},
    }
    assert a["truncated"] == 0.25 and average["truncated"] == 0.125
    assert a["tokens"] == {"mean": 15.0, "median": 15.0, "p95": 20.0, "max": 20.0}
    assert a["per_problem"] == {"0": 0.5, "1": 0.0}
    # Problem 0: p(1−p)/(n−1) = 1/4; problem 1: 0.
    assert a["standard_error"]["sampling"] == pytest.approx(sqrt(1 / 4) / 2)
    assert average["standard_error"]["sampling"] == pytest.approx(sqrt(1 / 4) / 4)
    assert b["standard_error"]["total"] is None and average["standard_error"]["total"] is None  # one problem


def test_the_order_of_rows_and_rows_of_more_samples_change_nothing():
    more = [verdict("a", "0", 2, 1.0), verdict("a", "9", 0, 1.0), verdict("c", "0", 0, 1.0)]
    assert records([*more, *reversed(ROWS)]) == records(ROWS)


def test_missing_samples_are_said_and_not_counted_as_wrong():
    found = records(ROWS[:1] + ROWS[2:])
    assert found["a"]["missing"] == 1 and found["average"]["missing"] == 1
    assert found["a"]["avg"] == 0.5 and found["a"]["pass"] == {"1": 0.5}
    assert found["a"]["verl_best"] is None and found["average"]["verl_best"] is None
    assert found["average"]["pass"] == {"1": 0.75}


def test_a_benchmark_without_any_row():
    found = records(ROWS[:4])
    assert found["b"]["avg"] is None and found["average"]["avg"] is None
    assert found["b"]["statuses"]["ok"] is None and found["b"]["missing"] == 2
    assert "standard_error" not in found["average"]


def test_the_table_fits_a_terminal_of_80_columns_and_says_what_is_missing():
    wanted = [("olympiadbench", str(problem), sample) for sample in range(32) for problem in range(40)]
    draw = np.random.default_rng(0)
    rows = [verdict(*key, float(draw.random() < 0.5)) for key in wanted]
    for given, said in ((rows, False), (rows[1:], True)):
        console = Console(width=80, record=True)
        found = results.all_records(results.sheets(wanted, given), [1, 32])
        console.print(results.table(found, "a title", 32))
        text = console.export_text()
        assert "…" not in text and "Avg@32" in text
        assert ("miss" in text) == said
