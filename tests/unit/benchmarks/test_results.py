"""One page from many runs: a section keeps its own date, and says under which circumstances it was measured."""

import json
import sys

import pytest

from benchmarks import run
from benchmarks.measure import goals, results

ABOUT = {
    "date": "2026-01-02",
    "quick": False,
    "note": "",
    "load_before": 0.3,
    "git": {"revision": "0123456789abcdef", "modified": True},
    "machine": {"processor": "A processor", "cores": 2, "memory_gib": 4.0, "gpus": []},
    "versions": {"python": "3.11.7", "torch": "2.13.0", "verl": "0.9.1"},
}


class Subject:
    """A subject as a module would be one."""

    TITLE = "What costs"

    def __init__(self, value: float) -> None:
        self.value = value

    def measure(self, quick: bool = False) -> dict:
        return {"value": -self.value if quick else self.value}

    def section(self, measured: dict) -> str:
        return f"It costs {measured['value']}."


@pytest.fixture
def modules(monkeypatch):
    """Subjects that cost nothing to measure, under the names of real ones."""
    found = {"losses": Subject(1.0), "reward": Subject(2.0)}
    monkeypatch.setattr(run, "module_of", found.__getitem__)
    monkeypatch.setattr(goals, "GOALS", ())  # they are for what the real ones measure
    monkeypatch.setattr(results, "about", lambda quick, note: {**ABOUT, "quick": quick, "note": note})
    return found


@pytest.fixture
def command(monkeypatch, tmp_path):
    """`python -m benchmarks.run …` into a folder of the test."""

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["run", *words, f"--output={tmp_path}"])
        run.main()
        return (tmp_path / "performance.md").read_text()

    return call


@pytest.mark.parametrize("subject", run.SUBJECTS)
def test_every_subject_is_a_module_that_can_be_measured(subject: str) -> None:
    module = run.module_of(subject)
    assert callable(module.measure)
    assert callable(module.section)


def test_a_subject_that_is_not_run_keeps_its_section(modules, command, monkeypatch, tmp_path) -> None:
    command("losses")
    monkeypatch.setattr(results, "about", lambda quick, note: {**ABOUT, "date": "2027-03-04"})
    page = command("reward")
    losses, reward = page.split("## What costs")[1:]
    assert "2026-01-02" in losses and "It costs 1.0." in losses
    assert "2027-03-04" in reward and "It costs 2.0." in reward
    assert set(json.loads((tmp_path / "performance.json").read_text())) == {"losses", "reward"}


def test_a_section_says_how_it_was_measured(modules, command) -> None:
    page = command("losses", "--note=beside other programs")
    for said in ("A processor, 2 cores", "torch 2.13.0", "0123456789ab with changes", "0.3", "beside other programs"):
        assert said in page
    assert "quick" not in page


def test_a_quick_run_says_so(modules, command) -> None:
    page = command("losses", "--quick")
    assert "a quick run" in page and "It costs -1.0." in page


def test_a_quick_run_does_not_replace_the_shown_page(modules, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["run", "losses", "--quick", f"--json={tmp_path / 'own.json'}"])
    run.main()
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]


def test_numbers_of_a_module_without_a_section_are_listed() -> None:
    shown = results.plain_section({"build_seconds": 3.2, "megabytes": {"page": 1.5}})
    assert shown == "- build_seconds: 3.2\n- megabytes: page 1.5"


@pytest.mark.parametrize("subject", run.SUBJECTS)
def test_every_subject_has_a_module(subject: str) -> None:
    assert run.module_of(subject).TITLE and callable(run.module_of(subject).measure)


def test_a_missing_subject_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr(run, "SUBJECTS", (*run.SUBJECTS, "nothing_like_this"))
    monkeypatch.setattr(sys, "argv", ["run", "nothing_like_this"])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == 2
    assert "benchmarks/subjects/nothing_like_this.py" in capsys.readouterr().err


def test_an_unknown_word_is_refused(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["run", "lossess"])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == 2 and "lossess" in capsys.readouterr().err
