"""Files of responses: whole groups, equal bytes for equal responses, and readers that take either form."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from recipes.report.page import responses
from recipes.runs import dumps
from recipes.runs.dumps import Dumps
from reward.check import read_rows

GROUPS = [f"prompt {number}" for number in range(8) for _ in range(4)]
COLUMNS = {"input": ["p", "p"], "output": ["a ½", "b\udc80"], "gts": ["1", "2"], "score": np.array([1.0, 0.0])}


def test_a_sample_is_whole_groups_and_the_same_each_time() -> None:
    kept = Dumps("sample", most=8).kept(GROUPS)
    assert len(kept) == 2 and kept == Dumps("sample", most=11).kept(GROUPS[::-1])
    assert kept < Dumps("sample", most=12).kept(GROUPS)
    assert len(Dumps("sample", most=1).kept(GROUPS)) == 1, "a group is not cut"
    assert Dumps("sample", most=32).kept(GROUPS) == Dumps("all").kept(GROUPS) == set(GROUPS)
    assert Dumps("none").kept(GROUPS) == Dumps("all").kept([]) == set()


@pytest.mark.parametrize("compress", [True, False])
def test_every_reader_takes_either_form(compress: bool, tmp_path: Path) -> None:
    folder = tmp_path / "generations" / "train"
    path = Dumps(compress=compress).write(folder, 3, COLUMNS)
    text = (gzip.decompress(path.read_bytes()) if compress else path.read_bytes()).decode()
    first, second = map(json.loads, text.splitlines())
    assert first == {"input": "p", "output": "a ½", "gts": "1", "score": 1.0} and second["output"] == "b\udc80"
    assert dumps.size(path) == len(text.encode()) and dumps.files(folder) == [(3, path)]
    assert [row.response for row in read_rows(path)] == ["a ½", "b\udc80"]
    read = responses.read(responses.response_files(tmp_path))
    assert [one.score for one in read.responses] == [1.0, 0.0] and not read.broken
    assert path.read_bytes() == Dumps(compress=compress).write(tmp_path / "again", 3, COLUMNS).read_bytes()


def test_a_step_has_one_file_in_the_form_of_the_last_attempt(tmp_path: Path) -> None:
    for compress in (True, False, True):
        path = Dumps(compress=compress).write(tmp_path, 1, COLUMNS)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: b"\0" * len(packed)])
def test_a_damaged_file_is_counted_as_broken(damage, tmp_path: Path) -> None:
    path = Dumps(compress=True).write(tmp_path / "generations" / "train", 1, COLUMNS)
    path.write_bytes(damage(path.read_bytes()))
    assert responses.read(responses.response_files(tmp_path)).broken == 1
