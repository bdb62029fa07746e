"""What is installed beside verl can break it."""

import pytest

from recipes.checks import config as config_checks
from recipes.checks import environment
from recipes.common.errors import UserError
from recipes.config.compose import resolved


def test_a_trl_that_verl_cannot_import_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """verl 0.9.1's actor imports AutoModelForCausalLMWithValueHead wherever TRL is installed; 1.13 has dropped it."""
    monkeypatch.setattr(config_checks, "find_spec", lambda name: object())
    monkeypatch.setattr(config_checks, "version", lambda name: "1.13.0")
    with pytest.raises(UserError, match=r"trl 1\.13\.0 .*pip uninstall trl"):
        config_checks.check_trl()
    monkeypatch.setattr(config_checks, "version", lambda name: "1.12.0")
    config_checks.check_trl()
    monkeypatch.setattr(config_checks, "find_spec", lambda name: None)
    config_checks.check_trl()


def test_a_ray_of_its_own_beside_a_cluster_that_is_named(composed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would listen where the cluster's network is, since nothing closes it before it is imported."""
    config = resolved(composed("hardware=cpu"))
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:20000")
    monkeypatch.delenv("RLVR_JOIN_CLUSTER", raising=False)
    with pytest.raises(UserError, match=r"RAY_ADDRESS=10\.0\.0\.1:20000 .*Unset RAY_ADDRESS"):
        environment.check_environment(config)
    monkeypatch.setenv("RLVR_JOIN_CLUSTER", "1")
    environment.check_environment(config)
