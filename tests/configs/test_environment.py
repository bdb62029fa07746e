"""What is installed beside verl can break it."""

import pytest

from recipes import preflight
from recipes.errors import UserError


def test_a_trl_that_verl_cannot_import_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """verl 0.9.1's actor imports AutoModelForCausalLMWithValueHead wherever TRL is installed; 1.13 has dropped it."""
    monkeypatch.setattr(preflight, "find_spec", lambda name: object())
    monkeypatch.setattr(preflight, "version", lambda name: "1.13.0")
    with pytest.raises(UserError, match=r"trl 1\.13\.0 .*pip uninstall trl"):
        preflight.check_trl()
    monkeypatch.setattr(preflight, "version", lambda name: "1.12.0")
    preflight.check_trl()
    monkeypatch.setattr(preflight, "find_spec", lambda name: None)
    preflight.check_trl()
