"""The wheel holds everything: installed elsewhere, the packages are ours and the plug-in loads."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = """
import pathlib, sys
import dgpo, maspo, losses, reward, recipes
for package in (dgpo, maspo, losses, reward, recipes):
    assert pathlib.Path(package.__file__).is_relative_to(sys.argv[1]), package.__file__
import verl
from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY
assert POLICY_LOSS_REGISTRY["dgpo"].__module__ == "losses.surrogate"
assert pathlib.Path(sys.modules["recipes.plugin.register"].__file__).is_relative_to(sys.argv[1])
from recipes.common.paths import config_dir
assert config_dir().is_relative_to(sys.argv[1]) and (config_dir() / "policy_loss" / "maspo.yaml").is_file()
print("ours")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    with zipfile.ZipFile(wheel) as archive:  # a pure wheel is installed by unpacking it
        archive.extractall(target)
    return target


def test_installed_elsewhere_it_is_ours_that_loads(installed: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", CHECK, str(installed)],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert result.stdout.strip() == "ours", result.stderr


def test_nothing_else_is_in_it(installed: Path) -> None:
    top = {path.name for path in installed.iterdir()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"dgpo", "maspo", "losses", "reward", "recipes"}
