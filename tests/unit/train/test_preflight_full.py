"""recipes.train preflight=full asks the cluster before it trains, and refuses where that fails."""

import pytest

from recipes.checks import config as config_checks
from recipes.checks import preflight as checks
from recipes.common.errors import UserError
from recipes.config.compose import compose, resolved
from recipes.doctor import examination
from recipes.doctor.finding import Finding, failure, ok, warning
from recipes.runs.run_folder import VOLATILE
from recipes.train import __main__ as train
from recipes.train import session


def run_train(monkeypatch, findings: list[Finding], *overrides: str) -> tuple[int, list[str]]:
    """Exit code of recipes.train, and what it did."""
    done: list[str] = []
    monkeypatch.setattr(checks, "checked", lambda composed, show: resolved(composed))
    monkeypatch.setattr(examination, "of_cluster", lambda config: done.append("asked") or findings)
    monkeypatch.setattr(session, "run_session", lambda config: done.append("trained") or 0)
    try:
        return train.main(["experiment=quickstart", *overrides]), done
    except SystemExit as ended:
        return ended.code, done


def test_cheap_is_the_default_and_asks_nobody(monkeypatch) -> None:
    assert run_train(monkeypatch, []) == (0, ["trained"])


def test_full_trains_when_all_is_well_or_there_are_warnings(monkeypatch, capfd) -> None:
    findings = [ok("clock", "well"), warning("GPUs", "small", "Buy more.")]
    assert run_train(monkeypatch, findings, "preflight=full") == (0, ["asked", "trained"])
    assert "Buy more." in capfd.readouterr().err


def test_a_dry_run_says_one_thing(monkeypatch, capfd) -> None:
    """Not a thousand lines of config before it: for those there is --cfg job."""
    assert run_train(monkeypatch, [], "dry_run=true") == (0, [])
    out, err = capfd.readouterr()
    assert not out and err == "dry run: all checks passed, nothing was started.\n"


def test_full_refuses_to_train_on_a_failure(monkeypatch, capfd) -> None:
    findings = [failure("disk", "full", "Clean up.", "gpu7")]
    assert run_train(monkeypatch, findings, "preflight=full") == (2, ["asked"])
    said = capfd.readouterr().err
    assert "gpu7" in said and "Clean up." in said and "preflight=cheap" in said


def test_another_value_is_refused() -> None:
    config = compose(["experiment=quickstart", "preflight=some"])
    with pytest.raises(UserError, match=r"preflight=some: write cheap or full"):
        config_checks.check_run_options(config)


def test_a_run_may_be_continued_with_another_preflight() -> None:
    assert "preflight" in VOLATILE
