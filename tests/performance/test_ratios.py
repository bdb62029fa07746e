"""Losses and scoring stay as fast, beside verl's, as benchmarks/baseline.json says; only ratios are compared.

After a change that is meant to cost more: `python -m benchmarks.ratios --write`, on a quiet machine.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from benchmarks import ratios
from benchmarks.measure import timing

BASELINE = json.loads(ratios.BASELINE.read_text())


def slower(subject: ratios.Subject, baseline: ratios.Ratios) -> tuple[ratios.Ratios, list[str]]:
    """What was measured, and what is beyond the margin after as many attempts as it takes."""
    found = ratios.measure(subject, lambda so_far: not ratios.worse(so_far, baseline, subject.margin))
    return found, ratios.worse(found, baseline, subject.margin)


@pytest.mark.parametrize("name", ratios.SUBJECTS)
def test_not_slower_than_the_baseline(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, beyond = slower(ratios.SUBJECTS[name], BASELINE[name])
    with capsys.disabled():
        print(f"\n{ratios.table(found, BASELINE[name])}")
    assert set(found) == set(BASELINE[name]), "measure again: python -m benchmarks.ratios --write"
    assert not beyond, f"beyond {ratios.SUBJECTS[name].margin} times the baseline's ratio"


@pytest.mark.parametrize(("name", "victim"), [("losses", "dgpo (eager)"), ("reward", "ours")])
def test_a_slowdown_is_noticed(name: str, victim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second where a call takes a few milliseconds: beyond any margin, also on a busy machine."""
    monkeypatch.setattr(ratios, "ATTEMPTS", 1)
    subject = ratios.SUBJECTS[name]

    def slowed() -> Mapping[str, timing.Function]:
        functions = subject.functions()
        call = functions[victim]
        return {subject.base: functions[subject.base], victim: lambda: (time.sleep(0.1), call())}

    _, beyond = slower(replace(subject, functions=slowed, rounds=2), BASELINE[name])
    assert beyond == [victim]
