"""Rows survive kills, full disks and odd text, and none stands there twice."""

import json
import resource

import pytest

from recipes.common.errors import Failure, UserError
from recipes.evaluate.row_file import SAMPLE, VERDICT, RowFile, read_rows


def row(sample: int, **more) -> dict:
    return {"benchmark": "aime24", "problem": "7", "sample": sample, **more}


def filled(path, count: int):
    with RowFile(path) as rows:
        for sample in range(count):
            rows.append(row(sample, response="x" * 50))
    return path


def test_rows_come_back_in_order_and_go_on(tmp_path):
    path = filled(tmp_path / "new" / "rows.jsonl", 3)
    with RowFile(path) as rows:
        assert rows.keys == {("aime24", "7", 0), ("aime24", "7", 1), ("aime24", "7", 2)}
        rows.append(row(3))
        with pytest.raises(ValueError, match="already"):
            rows.append(row(3))
    assert [found["sample"] for found in read_rows(path)] == [0, 1, 2, 3]


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_cut_off_tail_is_dropped_wherever_it_was_cut(tmp_path, kept):
    path = filled(tmp_path / "rows.jsonl", 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:kept])
    with RowFile(path) as rows:
        assert rows.dropped == len(lines[2][:kept])
        assert len(rows.keys) == 2
        rows.append(row(2))
    assert [found["sample"] for found in read_rows(path)] == [0, 1, 2]


def test_rows_of_version_0_1_say_truncated_by_its_name_of_then(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"benchmark": "toy", "problem": "p", "sample": 0, "cut_off": true}\n')
    (row,) = read_rows(file)
    assert row["truncated"] is True and "cut_off" not in row


def test_a_file_of_one_cut_off_row_becomes_empty(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"benchmark": "a' + "x" * 3_000_000)
    with RowFile(path) as rows:
        assert rows.dropped > 3_000_000 and not rows.keys


def test_text_of_models_comes_back(tmp_path):
    odd = 'line\nfeed \x00 \ud800 \u2028 "quoted" \\frac{1}{2}'
    with RowFile(tmp_path / "rows.jsonl") as rows:
        rows.append(row(0, response=odd))
    assert next(read_rows(tmp_path / "rows.jsonl"))["response"] == odd


@pytest.mark.parametrize(
    "line",
    [
        b'{"benchmark": "a"}',
        b"[]",
        b"null",
        b"no json",
        b'{"benchmark": "a", "problem": 1, "sample": "x"}',
        b'{"benchmark": "a", "problem": 1, "sample": -1}',
        b'{"benchmark": "a", "problem": 1, "sample": Infinity}',
        b'{"benchmark": "a", "problem": 1, "sample": 0, "tokens": "many"}',
        b'{"benchmark": "a\xff", "problem": 1, "sample": 0}',
        b"[" * 100_000,
        b"\0" * 40,
    ],
    ids=range(11),
)
def test_a_line_that_is_no_row_is_named(tmp_path, line):
    path = filled(tmp_path / "rows.jsonl", 2)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(UserError, match="line 3: no row with benchmark, problem, sample"):
        RowFile(path)


@pytest.mark.parametrize(
    "acc, says", [("true", "acc is str"), (1e999, "Infinity is no number"), (None, "acc is NoneType")]
)
def test_a_verdict_that_is_none_is_named(tmp_path, acc, says):
    path = filled(tmp_path / "rows.jsonl", 1)
    verdict = {"acc": 1.0, "pred": "2", "status": "ok"}
    path.write_text(json.dumps(row(0, **verdict)) + "\n" + json.dumps(row(1, **{**verdict, "acc": acc})) + "\n")
    with pytest.raises(UserError, match=f"line 2: no row with .*acc, pred, status .*{says}"):
        RowFile(path, VERDICT)
    with pytest.raises(UserError, match=r"line 1: no row with benchmark, problem, sample, response .*'response'"):
        RowFile(path, SAMPLE)


def test_the_same_row_twice_is_refused(tmp_path):
    path = filled(tmp_path / "rows.jsonl", 2)
    path.write_text(path.read_text() + json.dumps(row(1)) + "\n")
    with pytest.raises(UserError, match="twice"):
        RowFile(path)


def test_a_full_disk_keeps_what_is_there(tmp_path):
    """The kernel refuses to let the file grow beyond 1000 bytes, as a full disk would."""
    path, limits = tmp_path / "rows.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    with RowFile(path) as rows:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(Failure, match="6 rows are kept; make room"):
                for sample in range(100):
                    rows.append(row(sample, response="x" * 80))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        rows.append(row(50))
    assert [found["sample"] for found in read_rows(path)] == [0, 1, 2, 3, 4, 5, 50]
