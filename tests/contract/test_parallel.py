"""Tests of one xdist_group run in one worker: they share ports, or what is made once per module."""

import os
from pathlib import Path

import pytest


@pytest.mark.xdist_group("one-worker")
@pytest.mark.parametrize("number", range(4))
def test_a_group_is_not_divided(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """pytest 9.2 with pytest-xdist 3.8 divided them without a word."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "none")
    shared = tmp_path_factory.getbasetemp() if worker == "none" else tmp_path_factory.getbasetemp().parent
    seen: Path = shared / "workers-of-a-group"
    with seen.open("a") as file:
        file.write(f"{worker}\n")
    assert set(seen.read_text().split()) == {worker}
