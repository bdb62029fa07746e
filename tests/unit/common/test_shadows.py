"""A file of the working directory that would be imported in place of a package ends a command in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.common.shadows import ROOT, hidden


@pytest.mark.parametrize("name", ["reward.py", "losses/__init__.py", "verl.py", "datasets.py", "yaml.py", "random.py"])
def test_what_hides_a_package(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    assert hidden(tmp_path) == [tmp_path / name]


def test_what_hides_nothing(tmp_path: Path) -> None:
    for name in (
        "my_reward.py",
        "test.py",
        "verl/__init__.py",
        "datasets/readme.txt",
    ):  # a checkout of verl; a folder of data
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert hidden(tmp_path) == [] and hidden(ROOT) == []


@pytest.mark.parametrize("name", ["reward", "random"])
def test_the_command_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("def compute_score(): ...")
    command = [sys.executable, "-m", "recipes.report", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 2 and f"{name}.py hides the package {name}" in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
