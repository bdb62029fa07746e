"""docs/extending.md followed to the letter: its files, in a folder of their own, add a method and an estimator."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_runs import Made, make

from recipes.report.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
# A whole file names its path in its first comment, below Hydra's header if it has one.
FILES = re.findall(r"^```(?:python|yaml)\n((?:# @package .*\n)?# (\S+/\S+)\n(?s:.*?))^```$", PAGE, re.M)
COMMANDS = re.findall(r"^```bash\n((?s:.*?))^```$", PAGE, re.M)
CHECK = """
from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, get_adv_estimator_fn

from recipes.plugin.methods import METHODS
from recipes.checks.config import check_config
from recipes.config.compose import compose, resolved

assert "linear_taper" not in POLICY_LOSS_REGISTRY
config = compose([SEARCH_PATH, "policy_loss=linear_taper", "algorithm.adv_estimator=group_median"])
check_config(resolved(config))
actor = config.actor_rollout_ref.actor
assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.loss_agg_mode) == (0.2, 0.28, "token-mean")
assert POLICY_LOSS_REGISTRY["linear_taper"] is POLICY_LOSS_REGISTRY["dgpo"]

import numpy, torch
rewards = torch.tensor([[0, 0, 1.0], [0, 0, 0], [0, 4, 0], [2, 0, 0], [3, 0, 0]])
mask = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 0, 0], [1, 0, 0]])
advantages, _ = get_adv_estimator_fn("group_median")(rewards, mask, index=numpy.array([*"aaabb"], dtype=object))
assert advantages.tolist() == [[0, 0, 0], [-1, -1, 0], [3, 3, 3], [-0.5, 0, 0], [0.5, 0, 0]], advantages
print(METHODS["linear_taper"].__module__)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `my_methods/`."""
    folder = tmp_path_factory.mktemp("extending")
    for content, path in FILES:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def run(folder: Path, *command: str, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **environment}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def test_a_method_is_four_files() -> None:
    method = [path for _, path in FILES if "linear_taper" in path]
    assert sorted(Path(path).name for path in method) == [
        "config.py",
        "linear_taper.yaml",
        "test_linear_taper.py",
        "weight.py",
    ]


def test_its_commands_run_as_they_stand(folder: Path) -> None:
    taper, estimator = [block for block in COMMANDS if "--cfg job" in block]
    shown = run(folder, "bash", "-euc", taper)
    assert re.search(r"^=* ?6 passed", shown, re.M)
    assert "_target_: my_methods.linear_taper.config.LinearTaperConfig" in shown
    place = re.search(r"recipes\.report run outputs/(\w+)/tiny-linear_taper-seed0", PAGE)
    assert place is not None and f"  project_name: {place[1]}\n" in shown, "where the page's training puts its run"
    assert "adv_estimator: group_median" in run(folder, "bash", "-euc", estimator, PYTHONPATH=str(folder))


def test_what_the_page_trains_with_passes_preflight(folder: Path) -> None:
    search_path = re.search(r"'(hydra\.searchpath=.*)'", PAGE)
    assert search_path is not None
    literal = repr(search_path[1].replace("/home/me", str(folder)))
    code = CHECK.replace("SEARCH_PATH", literal)
    environment = {"PYTHONPATH": str(folder), "VERL_USE_EXTERNAL_MODULES": "my_methods.estimators"}
    assert run(folder, sys.executable, "-c", code, **environment).strip() == "my_methods.linear_taper.config"


def test_its_weight_is_drawn_by_the_pages_command(folder: Path) -> None:
    (command,) = [block for block in COMMANDS if "recipes.report weights" in block]
    shown = run(folder, "bash", "-euc", command)
    written = "outputs/weights/policy_loss=linear_taper_linear_taper_width=1.png"
    assert f"Wrote {written}" in shown and (folder / written).stat().st_size > 10_000


def test_a_runs_page_draws_the_weight_of_a_method_of_ones_own(folder: Path) -> None:
    """With the run's own width: at r = 2 and Â > 0, w = r·(1 − (2 − 1.2)/2)."""
    method = {"_target_": "my_methods.linear_taper.config.LinearTaperConfig", "loss_mode": "linear_taper"}
    extra = {"actor_rollout_ref.actor.policy_loss": {**method, "linear_taper_width": 2.0}}
    made = make(folder / "run", Made(steps=2, extra=extra))

    def page() -> dict[str, Any]:
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', report.read_text(), re.S)
        assert found is not None
        (only,) = json.loads(found[1])["runs"]
        return only  # type: ignore[no-any-return]

    report, told = made / "report.html", "Write --config-dir="
    main(["run", str(made)])  # here, where nobody has imported the method
    assert page()["weight"] is None and any(told in note for note in page()["story"]["notes"])
    command = [sys.executable, "-m", "recipes.report", "run", str(made), "--config-dir", "my_methods/configs"]
    run(folder, *command, PYTHONPATH=str(folder))
    assert not any(told in note for note in page()["story"]["notes"])
    drawn = page()["weight"]
    weight = dict(zip(drawn["log_ratio"], drawn["positive"], strict=True))
    nearest = min(weight, key=lambda log_ratio: abs(log_ratio - 0.6931))
    assert weight[nearest] == pytest.approx(2 * (1 - 0.8 / 2), rel=0.01)


def test_the_method_is_compared_with_grpo(folder: Path) -> None:
    """The page's own command, with fewer updates and seeds, and one worker: each imports verl for five seconds."""
    (command,) = [block for block in COMMANDS if "recipes.study" in block]
    smaller = command.rstrip() + " study.total_updates=64 study.seeds=3 study.tuning_seeds=2 study.processes=1"
    assert "| linear_taper |" in run(folder, "bash", "-euc", smaller)
