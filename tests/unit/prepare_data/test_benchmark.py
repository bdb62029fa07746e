"""A benchmark keeps every row, and says everything that the reward has to know."""

from pathlib import Path

import pyarrow.parquet
import pytest
from preparation import json_lines, prepared, reasons, rows

from recipes.common.errors import UserError
from reward.task import Task
from reward.verl_entry import task_of

OTHERS = ("aime24", "aime25", "amc23", "math500", "minerva", "olympiadbench", "gsm8k")


def benchmark(root: Path, name: str, content: list, *overrides: str, file: Path | None = None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = file or json_lines(root / f"{name}.jsonl", content)
    without = [f"~parts.{other}" for other in OTHERS if other != name]
    size = f"parts.{name}.rows={len(content)}"
    prepared(root, "benchmarks", f"files.{name}={path}", size, "~combined.validation", *without, *overrides)
    return root / "data/benchmarks"


def test_golds_that_cannot_be_earned_stay_and_are_marked(tmp_path: Path) -> None:
    content = [
        {"problem": "P?", "answer": "a \\text{ open", "unique_id": "x"},
        {"problem": "Q?", "answer": None, "unique_id": "y"},
        {"problem": "P?", "answer": "1", "unique_id": "z"},
    ]
    folder = benchmark(tmp_path, "math500", content)
    found = rows(folder / "math500.parquet")
    assert [row["reward_model"]["ground_truth"] for row in found] == [["a \\text{ open"], [], ["1"]]
    assert [row["extra_info"]["id"] for row in found] == ["x", "y", "z"]
    assert reasons(folder) == {"gold can't be earned": 1, "states no answer": 1}


def test_a_benchmark_that_lacks_a_row_is_refused(tmp_path: Path) -> None:
    content = [{"problem": "P?", "answer": "1", "unique_id": "x"}]
    with pytest.raises(UserError, match=r"1 rows, but math500 has 500; write parts\.math500\.rows=1"):
        benchmark(tmp_path, "math500", content, "parts.math500.rows=500")
    for bad in ("{", {"problem": "", "answer": "1", "unique_id": "y"}, {"answer": "1"}):
        with pytest.raises(UserError, match=r"row 2, which .*"):
            benchmark(tmp_path, "math500", [*content, bad])


def test_numbers_of_competitions_are_whole(tmp_path: Path) -> None:
    folder = benchmark(tmp_path, "amc23", [{"id": 0, "problem": "P?", "answer": 27.0}])
    assert rows(folder / "amc23.parquet")[0]["reward_model"]["ground_truth"] == ["27"]
    with pytest.raises(UserError, match="no whole number"):
        benchmark(tmp_path / "b", "amc23", [], file=json_lines(tmp_path / "b.jsonl", [{"problem": "P", "answer": 0.5}]))


def test_olympiad_bench_says_unit_tolerance_and_several_parts(tmp_path: Path) -> None:
    row = {"id": 1, "question": "P?", "final_answer": ["4.2"], "is_multiple_answer": False, "unit": None, "error": None}
    content = [
        row | {"unit": "%", "error": "1e-1"},
        row | {"id": 2, "final_answer": ["$69$,$84$"], "is_multiple_answer": True},
        row,
    ]
    found = rows(benchmark(tmp_path, "olympiadbench", content) / "olympiadbench.parquet")
    assert [task_of(one["extra_info"]) for one in found] == [Task("%", 0.1, False), Task(None, None, True), Task()]
    assert found[1]["reward_model"]["ground_truth"] == ["$69$,$84$"]


def test_minerva_accepts_the_box_and_the_alternatives(tmp_path: Path) -> None:
    content = [{"problem": f"P{i}?", "solution": rf"so \boxed{{{i}e3}}", "idx": i} for i in (1, 2)]
    more = json_lines(
        tmp_path / "more.jsonl", [{"idx": 2, "answer": ["2000\n", "2e3", "17"]}, {"idx": 7, "answer": ["7"]}]
    )
    folder = benchmark(tmp_path, "minerva", content, f"files.minerva_alternatives={more}")
    golds = [row["reward_model"]["ground_truth"] for row in rows(folder / "minerva.parquet")]
    assert golds == [["1e3"], ["2e3", "2000"]], "17 is the answer to another question"
    assert reasons(folder) == {"alternative answer refused": 1}
    folder = benchmark(
        tmp_path / "b", "minerva", content, "parts.minerva.alternatives=null", file=tmp_path / "minerva.jsonl"
    )
    assert [row["reward_model"]["ground_truth"] for row in rows(folder / "minerva.parquet")] == [["1e3"], ["2e3"]]


def test_all_benchmarks_have_one_schema(tmp_path: Path) -> None:
    """verl concatenates validation files."""
    one = benchmark(tmp_path / "a", "amc23", [{"id": 0, "problem": "P?", "answer": 27.0}], file=None) / "amc23.parquet"
    row = {"id": 1, "question": "P?", "final_answer": ["4"], "is_multiple_answer": True, "unit": "km", "error": "1"}
    two = benchmark(tmp_path / "b", "olympiadbench", [row]) / "olympiadbench.parquet"
    assert pyarrow.parquet.read_schema(one) == pyarrow.parquet.read_schema(two)
