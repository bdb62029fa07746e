"""The plug-in reaches verl, and a run without it does not start."""

import pytest
from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, get_policy_loss_fn

from losses import registry, surrogate
from recipes.plugin import register, worker_check


def test_importing_verl_alone_loads_the_plugin(run_python) -> None:
    result = run_python(
        "import verl\n"
        "from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY as R\n"
        "print(R['dgpo'].__module__, R['maspo'].__module__)"
    )
    assert result.stdout.split() == ["losses.surrogate", "losses.surrogate"], result.stderr


@pytest.mark.parametrize("name", ["dgpo", "maspo"])
def test_methods_are_registered_with_verl(name: str) -> None:
    assert get_policy_loss_fn(name) is surrogate.policy_loss


def test_check_passes_when_all_is_well() -> None:
    register.check()


def test_check_names_an_overwritten_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICY_LOSS_REGISTRY, "dgpo", lambda **_: None)
    with pytest.raises(register.PluginError, match="dgpo"):
        register.check()


def test_check_names_a_missing_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "entry_points", lambda group: [])
    with pytest.raises(register.PluginError, match=r"setup\.sh"):
        register.check()


def test_registering_over_a_foreign_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="vanilla"):
        registry.register("vanilla")(object)


def test_worker_check_finds_nothing_wrong_here() -> None:
    assert worker_check.plugin_problem() is None


def test_worker_check_says_why_a_worker_lacks_the_plugin(run_python) -> None:
    result = run_python(
        "from recipes.plugin.worker_check import plugin_problem; print(plugin_problem())",
        VERL_USE_EXTERNAL_PLUGINS="none",
    )
    assert "did not load the plug-in recipes.plugin.register" in result.stdout
    assert "VERL_USE_EXTERNAL_PLUGINS" in result.stdout


def test_worker_check_shows_the_swallowed_exception(run_python) -> None:
    result = run_python(
        "import sys; sys.modules['maspo.config'] = None\n"
        "from recipes.plugin.worker_check import plugin_problem; print(plugin_problem())"
    )
    assert "maspo.config" in result.stdout, result.stdout + result.stderr
