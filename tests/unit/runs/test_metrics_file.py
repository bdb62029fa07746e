"""metrics.jsonl: every line once, also over several attempts and half-written lines."""

import json
from pathlib import Path

import numpy as np
import pytest

from recipes.report.summary import summary_table
from recipes.runs.metrics_file import AttemptFile, read_metrics, series, validation_accuracy


def line(step: int, **data: float) -> str:
    return json.dumps({"step": step, "data": data}) + "\n"


def test_lines_are_copied_when_they_are_complete(tmp_path: Path) -> None:
    attempt = AttemptFile(tmp_path / "attempt.jsonl", tmp_path / "metrics.jsonl")
    assert attempt.new_rows() == []
    whole = line(1, a=1.0) + line(2, a=2.0)
    attempt.source.write_text(whole[:-5])
    assert [row["step"] for row in attempt.new_rows()] == [1]
    attempt.source.write_text(whole)
    assert [row["step"] for row in attempt.new_rows()] == [2]
    assert (tmp_path / "metrics.jsonl").read_text() == whole


def test_a_second_attempt_appends(tmp_path: Path) -> None:
    for step in (1, 2):
        attempt = AttemptFile(tmp_path / f"attempt{step}.jsonl", tmp_path / "metrics.jsonl")
        attempt.source.write_text(line(step))
        attempt.new_rows()
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2]


def test_validation_accuracy_is_found_under_any_data_source() -> None:
    data = {"val-core/math/acc/mean@8": 0.25, "val-core/math/acc/best@8/mean": 0.5, "val-aux/math/score/mean@8": 0.1}
    assert validation_accuracy(data) == 0.25
    assert validation_accuracy({"critic/score/mean": 1.0}) is None
    two = {"val-core/aime/acc/mean@8": 0.25, "val-core/amc/acc/mean@8": 0.75}
    assert validation_accuracy(two) == 0.5, "several sets count equally, whatever their size"


@pytest.mark.parametrize("value", [None, "0.5", [0.5], {"a": 1}, True])
def test_a_value_that_is_no_number_is_left_out(tmp_path: Path, value: object) -> None:
    rows = [{"step": 1, "data": {"critic/score/mean": value, "val-core/x/acc/mean@4": value}}]
    rows.append({"step": 2, "data": {"critic/score/mean": 0.5, "val-core/x/acc/mean@4": np.float32(0.25)}})
    assert series(rows, "critic/score/mean") == {2: 0.5}
    assert [validation_accuracy(row["data"]) for row in rows] == [None, 0.25]
    assert summary_table(rows, samples=4).title == "1 training steps"


def test_the_summary_compares_first_and_last(tmp_path: Path) -> None:
    rows = [line(0, **{"val-core/x/acc/mean@4": 0.35}), line(1, **{"critic/score/mean": 0.2})]
    rows += [line(2, **{"critic/score/mean": 0.7, "val-core/x/acc/mean@4": 0.6})]
    (tmp_path / "metrics.jsonl").write_text("".join(rows))
    table = summary_table(read_metrics(tmp_path / "metrics.jsonl"), samples=4)
    cells = [list(column.cells) for column in table.columns]
    assert cells[1:] == [["35.0%", "0.200"], ["60.0%", "0.700"], ["+25.0 points", "+0.500"]]


def test_an_attempt_knows_the_last_step_of_all(tmp_path: Path) -> None:
    attempt = AttemptFile(tmp_path / "attempt.jsonl", tmp_path / "metrics.jsonl", [{"step": 3, "data": {}}])
    assert attempt.logged_step == 3
    attempt.source.write_text(line(3) + line(4))
    attempt.new_rows()
    assert attempt.logged_step == 4 and AttemptFile(attempt.source, attempt.target).logged_step == 0


def test_metrics_that_wait_for_their_validation_are_joined_with_it(tmp_path: Path) -> None:
    attempt = AttemptFile(tmp_path / "attempt.jsonl", tmp_path / "metrics.jsonl", carried={4: {"a": 1.0, "b": 1.0}})
    attempt.source.write_text(line(4, b=2.0) + line(5, a=3.0))
    assert [row["data"] for row in attempt.new_rows()] == [{"a": 1.0, "b": 2.0}, {"a": 3.0}]


DAMAGED = [
    b"null",
    b"[]",
    b"3",
    b'{"data": {}}',
    b'{"step": "1", "data": {}}',
    b'{"step": 1}',
    b'{"step": true, "data": {}}',
    b'{"step": -1, "data": {}}',
    b'{"step": 1e3, "data": {}}',
    b'{"step": 10000000000, "data": {}}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"step": 1, "data"',
    b"\0" * 30,
]


@pytest.mark.parametrize("line", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_line_is_left_out(tmp_path: Path, line: bytes) -> None:
    good = b'{"step": 2, "data": {"a": 1.0}}'
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(line + b"\n" + good + b"\n")
    assert read_metrics(file) == [{"step": 2, "data": {"a": 1.0}}]
    attempt = AttemptFile(tmp_path / "source.jsonl", tmp_path / "target.jsonl")
    attempt.source.write_bytes(line + b"\n" + good + b"\n")
    assert [row["step"] for row in attempt.new_rows()] == [2]


def test_a_full_disk_loses_no_line(tmp_path: Path) -> None:
    attempt = AttemptFile(tmp_path / "source.jsonl", Path("/dev/full"))
    attempt.source.write_text('{"step": 1, "data": {}}\n')
    with pytest.raises(OSError):
        attempt.new_rows()
    attempt.target = tmp_path / "target.jsonl"
    assert [row["step"] for row in attempt.new_rows()] == [1]
