"""How many cores a process on a CPU is given."""

import os
from pathlib import Path

import pytest

from recipes.common.resolvers import available_cores, cores


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(
    "quota, found",
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 1),
        ("20000 100000\n", 1),
        ("9900000 100000\n", 8),
        ("", 8),
        ("no quota at all\n", 8),
    ],
)
def test_a_container_s_share_of_the_cores_is_what_there_is(tmp_path: Path, quota: str, found: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert available_cores(tmp_path / "cpu.max") == found
    assert available_cores(tmp_path / "of another system") == 8


@pytest.mark.parametrize("told, threads", [("3", "3"), ("", "4"), ("0", "4"), ("many", "4")])
def test_what_the_environment_says_stays(monkeypatch: pytest.MonkeyPatch, told: str, threads: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr("recipes.common.resolvers.available_cores", lambda: 8)
    assert cores(2) == threads
