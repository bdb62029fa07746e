"""Shared fixtures."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import omegaconf.base
import pytest
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins

from recipes.common import collector

ROOT = Path(__file__).resolve().parents[1]
# What test files share. pytest runs with --import-mode=importlib, which leaves sys.path alone, and a package `tests`
# would be verl's.
sys.path.append(str(Path(__file__).parent / "support"))


def pytest_sessionstart() -> None:
    """Spare time that no behaviour needs.

    Thousands of tests compose configs of the same files: each file and each interpolation is parsed once. And Python's
    collector took a sixth of what such a test takes.
    """
    collector.ask_less_often()
    Plugins.instance()  # which registers what reads files
    reader: Any = SourcesRegistry.instance().resolve("file")
    load = reader.load_config

    @cache
    def loaded(provider: str, folder: str, name: str, _changed: int) -> bytes:
        return pickle.dumps(load(reader(provider, folder), name))

    def load_once(self: Any, config_path: str) -> Any:
        file = Path(self.path, self._normalize_file_name(config_path))
        if not file.is_file():
            return load(self, config_path)
        return pickle.loads(loaded(self.provider, self.path, config_path, file.stat().st_mtime_ns))

    reader.load_config = load_once
    omegaconf.base.parse = cache(omegaconf.base.parse)


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
            [sys.executable, "-c", f"from recipes.common import collector; collector.ask_less_often()\n{code}"],
            env={**os.environ, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
        )

    return run
