"""What commands say to bad words, each in a process of its own: one line, exit code 2, nothing begun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from override_keys import PAPER, POLICY, ROLLOUT

from recipes.common.errors import UserError
from recipes.config import compose
from recipes.launch import training
from recipes.plan import __main__ as plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("overrides", "code", "words"),
    [
        ([f"{POLICY}.dgpo_n=0"], 2, ["dgpo_n=0", "Write"]),
        (["policy_loss=dgop"], 2, ["dgop", "maspo"]),
    ],
)
def test_the_command_ends_with_one_message_and_leaves_nothing(
    tmp_path: Path, overrides: list[str], code: int, words: list[str]
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "recipes.train", f"output_root={tmp_path / 'outputs'}", *overrides],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == code
    assert all(word in result.stderr for word in words), result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "outputs").exists()


# overrides, what the one line says, whether Ray was as much as imported
COMMANDS = [
    ([f"{ROLLOUT}.n=1"], f"Write {ROLLOUT}.n=8", True),
    (["policy_loss=dgop"], "Write policy_loss=dgpo", False),
    (["seed=0,1"], "Write one, as seed=0", False),
]


TRAIN = """
import atexit, runpy, sys
def say():
    ray = sys.modules.get("ray")
    print(f"imported: {ray is not None}, started: {ray is not None and ray.is_initialized()}")
atexit.register(say)
sys.argv = ["train", *sys.argv[1:]]
runpy.run_module("recipes.train", run_name="__main__")
"""


@pytest.mark.parametrize(("overrides", "words", "imported"), COMMANDS, ids=[words for _, words, _ in COMMANDS])
def test_the_command_ends_before_ray(tmp_path: Path, overrides: list[str], words: str, imported: bool) -> None:
    """Exit code 2, one line, and neither a process of Ray's nor a folder is left."""
    result = subprocess.run(
        [sys.executable, "-c", TRAIN, f"output_root={tmp_path / 'outputs'}", *overrides],
        cwd=ROOT,
        env={**os.environ, "RAY_TMPDIR": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 2, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error:")]
    assert len(lines) == 1 and words in lines[0], result.stderr
    assert "Traceback" not in result.stderr
    assert f"imported: {imported}, started: False" in result.stdout
    assert not (tmp_path / "outputs").exists()
    assert not (tmp_path / "ray").exists(), "a Ray session leaves its folder"


@pytest.mark.parametrize(
    ("primary", "words", "message"),
    [
        (compose.EVALUATE, "eval=papper", "Write eval=paper"),
        (compose.EVALUATE, "hardware=8x80bg", "Write hardware=8x80gb"),
        (compose.EVALUATE, "eval.sampels=4", r"Write eval\.samples=4"),
        (compose.PREPARE, "data=gsm8", "Write data=gsm8k"),
        (compose.PREPARE, "data=gsm8k overlp=report", "Write overlap=report"),
        (compose.PREPARE, "overlap=report", "You must specify 'data'"),
    ],
)
def test_the_other_commands_name_what_was_meant(primary: compose.Primary, words: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compose.compose(words.split(), primary)


def test_every_group_of_the_primary_config_is_known() -> None:
    """A group that is added is checked without being listed anywhere."""
    assert {"policy_loss", "model", "data", "hardware", "logging", "experiment", "scale"} <= set(compose.TRAIN.groups)
    assert "dgpo/ablation/7b_n1_m1" in compose.choices("experiment")
    assert not [name for name in compose.choices("hardware") if "deepseek" in name]


def test_launcher_and_planner_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"Write trainer\.nnodes=4\."):
        training.size_of([PAPER, "trainer.nnode=4"])
    assert training.size_of([PAPER, "trainer.nnodes=4"]) == training.Size(4, 8, None, "cuda")
    with pytest.raises(SystemExit, match=r"^2$"):
        plan.main([PAPER, "trainer.nnode=4"])
    assert "Write trainer.nnodes=4." in capsys.readouterr().err
