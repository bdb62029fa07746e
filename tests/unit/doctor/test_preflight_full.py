"""recipes.train preflight=full asks the cluster before it trains, and refuses where that fails."""

import sys

import pytest
from hydra.core.global_hydra import GlobalHydra

from recipes import preflight, resolvers, session, train
from recipes.doctoring import examination
from recipes.doctoring.finding import Finding, failure, ok, warning
from recipes.errors import UserError
from recipes.run_folder import VOLATILE


def run_train(monkeypatch, findings: list[Finding], *overrides: str) -> tuple[int, list[str]]:
    """Exit code of recipes.train, and what it did."""
    done: list[str] = []
    monkeypatch.setattr(sys, "argv", ["recipes.train", "experiment=quickstart", *overrides])
    monkeypatch.setattr(train, "checked", preflight.resolved)
    monkeypatch.setattr(examination, "of_cluster", lambda config: done.append("asked") or findings)
    monkeypatch.setattr(session, "run_session", lambda config: done.append("trained") or 0)
    resolvers.register()
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit) as ended:
        train.main()
    return ended.value.code, done


def test_cheap_is_the_default_and_asks_nobody(monkeypatch) -> None:
    assert run_train(monkeypatch, []) == (0, ["trained"])


def test_full_trains_when_all_is_well_or_there_are_warnings(monkeypatch, capfd) -> None:
    findings = [ok("clock", "well"), warning("GPUs", "small", "Buy more.")]
    assert run_train(monkeypatch, findings, "preflight=full") == (0, ["asked", "trained"])
    assert "Buy more." in capfd.readouterr().err


def test_full_refuses_to_train_on_a_failure(monkeypatch, capfd) -> None:
    findings = [failure("disk", "full", "Clean up.", "gpu7")]
    assert run_train(monkeypatch, findings, "preflight=full") == (2, ["asked"])
    said = capfd.readouterr().err
    assert "gpu7" in said and "Clean up." in said and "preflight=cheap" in said


def test_another_value_is_refused(config) -> None:
    config.preflight = "some"
    with pytest.raises(UserError, match=r"preflight=some: write cheap or full"):
        preflight.check_run_options(config)


def test_a_run_may_be_continued_with_another_preflight() -> None:
    assert "preflight" in VOLATILE
