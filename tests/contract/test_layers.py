"""Imports point downwards: recipes → dgpo, maspo, losses.baselines → losses; recipes → reward."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("dgpo", "maspo", "losses", "reward", "recipes")
MAY_IMPORT = {
    "losses": {"losses"},
    "dgpo": {"dgpo", "losses"},
    "maspo": {"maspo", "losses"},
    "reward": {"reward"},
    "recipes": set(OURS),
}
FORBIDDEN_LIBRARIES = {
    "reward": {"verl", "torch", "omegaconf", "ray", "hydra"},
    "dgpo/weight.py": {"verl"},
    "maspo/weight.py": {"verl"},
}
SOURCES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def imported_packages(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    upwards = set(imported_packages(path)) & set(OURS) - MAY_IMPORT[package]
    assert not upwards, f"{path} imports {upwards}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_forbidden_library(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    for prefix, libraries in FORBIDDEN_LIBRARIES.items():
        if name == prefix or name.startswith(prefix + "/"):
            assert not set(imported_packages(path)) & libraries
