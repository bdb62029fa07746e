"""verl finds in a method's config what it would find in its own PolicyLossConfig."""

from dataclasses import fields

import pytest
from verl.workers.config import PolicyLossConfig

from losses.verl_options import VerlOptions
from recipes.plugin.methods import METHODS


def test_every_option_of_verl_is_there_with_verls_default() -> None:
    verls, ours = PolicyLossConfig(), VerlOptions()
    names = {field.name for field in fields(verls)} - {"_target_"}  # which Hydra keeps for itself
    assert {field.name for field in fields(ours)} == names
    different = {name for name in names if getattr(ours, name) != getattr(verls, name)}
    assert different == {"rollout_correction"}  # an object of verl's; only its own bypass_mode loss asks for it


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_method_answers_as_verls_config_does(method: str) -> None:
    config, verls = METHODS[method](), PolicyLossConfig()
    assert config.get("loss_mode", "vanilla") == config.loss_mode
    assert config.get("clip_cov_lb") == verls.get("clip_cov_lb")
    assert config.get("no such option", 7) == verls.get("no such option", 7) == 7
    assert config.get("no such option") is None
    assert config["loss_mode"] == config.loss_mode and verls["loss_mode"] == verls.loss_mode
    assert set(verls) - {"_target_"} <= set(config) and len(config) == len(dict(config)) == len(vars(config))


def test_a_weight_is_drawn_without_verl(run_python, tmp_path) -> None:
    """Importing verl takes longer than everything else that the picture needs; only verl's YAMLs are read."""
    words = ["weights", "policy_loss=dgpo", "dgpo_n=2", f"--output={tmp_path / 'w.png'}"]
    result = run_python(
        f"import runpy, sys; sys.argv = ['report', *{words}]\n"
        "runpy.run_module('recipes.report', run_name='__main__')\n"
        "print(sorted({'verl.protocol', 'ray', 'transformers', 'tensordict'} & sys.modules.keys()))"
    )
    assert result.returncode == 0 and (tmp_path / "w.png").is_file(), result.stderr
    assert result.stdout.splitlines()[-1] == "[]"
