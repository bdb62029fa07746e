"""docs/drop-in.md: what stands there configures stock verl exactly as our own launcher does."""

import dataclasses
import re
import runpy
import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import hydra
import pytest
import verl
from omegaconf import DictConfig, OmegaConf
from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY, get_policy_loss_fn
from verl.utils.config import omega_conf_to_dataclass, validate_config

from recipes.common.paths import config_dir
from recipes.config import compose

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "drop-in.md").read_text()
STOCK = compose.Primary(
    "verl.trainer.main_ppo", Path(verl.__file__).parent / "trainer" / "config" / "ppo_trainer.yaml", ()
)
ACTOR = "actor_rollout_ref.actor."
SIZES = (ACTOR + "ppo_micro_batch_size_per_gpu=1", "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=1")
ROWS = re.findall(r"^\| (\S+) \| `(\S+Config)` \| `(\S+)` \| (.*) \|$", PAGE, re.M)
TABLE = {method: row for method, *row in ROWS}


def stock(*overrides: str) -> DictConfig:
    """What `python -m verl.trainer.main_ppo` trains with."""
    with hydra.initialize_config_dir(str(STOCK.file.parent), version_base=None):
        return hydra.compose(STOCK.file.stem, [*SIZES, *overrides])


@cache
def by_hand(method: str) -> DictConfig:
    """From the keys in the page's table: values, laid onto one composition of verl's config."""
    target, loss_mode, further = TABLE[method]
    overrides = ["algorithm.adv_estimator=grpo", f"{ACTOR}policy_loss._target_={target}"]
    overrides.append(f"{ACTOR}policy_loss.loss_mode={loss_mode}")
    for key in re.findall(r"`(.*?)`", further):
        place = "" if key.startswith("algorithm.") else ACTOR
        overrides.append(f"+{place}{key[1:]}" if key.startswith("+") else place + key)
    return compose.compose([*SIZES, *overrides], STOCK)


def comparable(config: DictConfig) -> dict[str, Any]:
    """The config with the method's dataclass in place of its keys."""
    content: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    method = omega_conf_to_dataclass(config.actor_rollout_ref.actor.policy_loss)
    content["actor_rollout_ref"]["actor"]["policy_loss"] = (type(method), dataclasses.asdict(method))
    return content


def test_the_table_holds_every_method() -> None:
    assert set(TABLE) == {path.stem for path in (config_dir() / "policy_loss").glob("*.yaml")}


@pytest.mark.parametrize("method", TABLE)
def test_key_by_key_is_the_same_as_the_group(method: str) -> None:
    group = stock(f"hydra.searchpath=[file://{config_dir()}]", f"+policy_loss={method}")
    assert comparable(by_hand(method)) == comparable(group)


@pytest.mark.parametrize("method", TABLE)
def test_verl_accepts_it_and_knows_the_loss(method: str) -> None:
    config = by_hand(method)
    validate_config(config, use_reference_policy=False, use_critic=False)
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    assert callable(get_policy_loss_fn(actor.policy_loss.loss_mode))
    assert config.algorithm.adv_estimator in ADV_ESTIMATOR_REGISTRY
    actor.policy_loss.check_actor(actor)


def test_verls_own_command_reckons_with_our_groups(run_python: Callable[..., CompletedProcess[str]]) -> None:
    """In a process of its own: this one has the resolvers of our commands."""
    groups = ("+hardware=cpu", "+policy_loss=dgpo", "+reward_shaping=overlong")
    words = ["main_ppo", "--config-dir", str(config_dir()), *groups, "--cfg", "job", "--resolve"]
    code = f"import runpy, sys; sys.argv = {words!r}; runpy.run_module('verl.trainer.main_ppo', run_name='__main__')"
    result = run_python(code)
    assert result.returncode == 0, result.stderr[-2000:]
    config = OmegaConf.create(result.stdout[result.stdout.index("actor_rollout_ref:") :])
    assert config.ray_kwargs.ray_init.num_gpus == config.trainer.n_gpus_per_node


def test_its_commands_compose(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """verl's own entry point, with the arguments as they stand in the page."""
    script = "".join(re.findall(r"^```bash\n((?s:.*?))^```$", PAGE, re.M))
    command = re.compile(r"^python -m (verl\.trainer\.main_ppo) ((?:.*\\\n)*.*)$", re.M)
    printed = []
    for module, arguments in command.findall(script):
        arguments = arguments.replace("$CONFIGS", str(config_dir())).replace("\\\n", " ")
        monkeypatch.setattr(sys, "argv", [module, *shlex.split(arguments)])
        runpy.run_module(module, run_name="__main__")
        printed.append(capsys.readouterr().out)
    group, keys, entropy = printed
    assert "dgpo_n: 2" in group and "dgpo_m: 2" in group
    assert "dgpo_n: 1" in keys and "adv_estimator: grpo" in keys
    assert "calculate_entropy: true" in entropy and "trainer_mode: rlvr" in entropy


def test_verl_finds_our_trainer_by_its_variable(run_python) -> None:
    code = "from verl.trainer.ppo.v1 import get_trainer_cls; print(get_trainer_cls('rlvr').__module__)"
    result = run_python(code, VERL_USE_EXTERNAL_MODULES="recipes.plugin.trainer")
    assert result.stdout.splitlines()[-1:] == ["recipes.plugin.trainer"], result.stderr


def test_the_weights_need_torch_alone(run_python) -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('verl', 'ray', 'omegaconf', 'hydra', 'transformers')))\n"
        "import dgpo, maspo\n"
        "print(dgpo.gradient_weight.__module__, maspo.gradient_weight.__module__)\n"
    )
    result = run_python(code)
    assert result.stdout.split() == ["dgpo.weight", "maspo.weight"], result.stderr


def test_the_trl_example_is_quoted_whole() -> None:
    assert f"```python\n{(ROOT / 'docs' / 'examples' / 'trl_dgpo.py').read_text()}```" in PAGE
