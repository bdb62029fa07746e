"""Shared fixtures."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What test files share. pytest runs with --import-mode=importlib, which leaves sys.path alone, and a package `tests`
# would be verl's.
sys.path.append(str(Path(__file__).parent / "support"))


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what is made once per module run on one worker of pytest-xdist: two would make it twice."""
    for item in items:
        shared = getattr(item, "_fixtureinfo", None)
        scopes = {made[-1].scope for made in shared.name2fixturedefs.values()} if shared else set()
        if "module" in scopes and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a process of its own: what it imports and patches must not leak into other tests."""

    def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
        )

    return run
