"""Rows of files, good and bad."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from preparation import json_lines

from recipes.common.errors import UserError
from recipes.prepare_data.rows import read_rows, value_at

ROWS = [{"prompt": [{"content": f"problem {i}"}], "n": i} for i in range(3)]


def test_every_format_yields_the_same_rows(tmp_path: Path) -> None:
    json_lines(tmp_path / "a.jsonl", ROWS)
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    for form in ("jsonl", "json", "parquet"):
        found = list(read_rows(tmp_path / f"a.{form}", form, ["prompt.0.content", "n"]))
        assert [row.content for row in found] == ROWS and [row.number for row in found] == [1, 2, 3]


def test_a_bad_line_keeps_its_number(tmp_path: Path) -> None:
    found = list(read_rows(json_lines(tmp_path / "a.jsonl", [{"n": 1}, "", '{"n": ', {"n": 4}]), "jsonl", ["n"]))
    assert [(row.number, bool(row.problem)) for row in found] == [(1, False), (3, True), (4, False)]


@pytest.mark.parametrize(("column", "value"), [("a.b", 1), ("l.1", 3), ("l.2", None), ("x", None), ("a.b.c", None)])
def test_dots_lead_into_nested_fields(column: str, value: object) -> None:
    assert value_at({"a": {"b": 1}, "l": [2, 3]}, column) == value


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('[{"n": 1},')
    (tmp_path / "object.json").write_text("{}")
    (tmp_path / "latin.jsonl").write_bytes(b'{"n": "\xe9"}\n')
    (tmp_path / "text.parquet").write_text("no")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    cases = {"cut.json": "cut off", "object.json": "not a list", "latin.jsonl": "UTF-8", "text.parquet": "Parquet"}
    for name, words in cases.items():
        with pytest.raises(UserError, match=words):
            list(read_rows(tmp_path / name, name.rpartition(".")[2], ["n"]))
    with pytest.raises(UserError, match="no column m; found prompt, n"):
        list(read_rows(tmp_path / "a.parquet", "parquet", ["m"]))
