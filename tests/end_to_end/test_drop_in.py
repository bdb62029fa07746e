"""verl's own command with our methods: `python -m verl.trainer.main_ppo` (docs/drop-in.md)."""

import subprocess
import sys

import pytest

from recipes.common.paths import config_dir
from recipes.inputs.cache import prepare

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]


def run_verl(launcher, sizes: tuple[str, ...], *overrides: str, **environment: str) -> subprocess.CompletedProcess[str]:
    model = prepare("recipes.inputs.tiny_model.build", {"seed": 0})
    data = prepare("recipes.inputs.arithmetic.build", {})
    command = [sys.executable, "-m", "verl.trainer.main_ppo", "--config-dir", str(config_dir()), "+hardware=cpu"]
    command += [
        f"actor_rollout_ref.model.path={model}",
        f"data.train_files={data / 'train.parquet'}",
        f"data.val_files={data / 'validation.parquet'}",
        "data.max_prompt_length=64",
        "data.max_response_length=16",
        "reward.custom_reward_function.path=pkg://reward.verl_entry",
        "actor_rollout_ref.rollout.name=vllm",
        "actor_rollout_ref.rollout.dtype=float32",
        "actor_rollout_ref.rollout.max_model_len=80",
        "trainer.logger=[console]",
        f"trainer.default_local_dir={launcher.output}",
        "trainer.val_before_train=false",
        "trainer.save_freq=-1",
        "trainer.test_freq=-1",
    ]
    chosen = [size for size in sizes if not size.startswith(("trainer.save_freq", "trainer.test_freq"))]
    return launcher.run([*command, *chosen, *overrides], **environment)


def test_a_method_that_needs_nothing_else(launcher, fast_sizes) -> None:
    result = run_verl(launcher, fast_sizes, "+policy_loss=dgpo")
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
    assert "step:3" in result.stdout and "actor/token_share/left_negative" in result.stdout


def test_a_method_that_needs_our_trainer(launcher, fast_sizes) -> None:
    choices = ("+policy_loss=bapo", "trainer.v1.trainer_mode=rlvr")
    result = run_verl(launcher, fast_sizes, *choices, VERL_USE_EXTERNAL_MODULES="recipes.plugin.trainer")
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
    assert "step:3" in result.stdout and "actor/bapo_c_high" in result.stdout
