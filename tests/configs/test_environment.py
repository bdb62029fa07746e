"""What is installed beside verl can break it."""

import pytest

from recipes.checks import config as config_checks
from recipes.common.errors import UserError


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
