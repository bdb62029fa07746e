"""How the scorers are counted that benchmarks/verifiers.py puts side by side."""

import time

import pytest

from benchmarks import verifiers
from benchmarks.verifiers import Case, accepted_shares, accepts

RIGHT = Case(r"\boxed{7}", "7", True, "numbers")
WRONG = Case(r"\boxed{8}", "7", False, "numbers")


def test_right_and_wrong_answers_are_counted_apart() -> None:
    assert accepted_shares([RIGHT, RIGHT, WRONG], [True, False, True]) == (1, 2, 1, 1)


def test_a_scorer_that_raises_or_hangs_accepts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(response: str, gold: str) -> float:
        raise ValueError(response)

    def hangs(response: str, gold: str) -> float:
        time.sleep(60)
        return 1.0

    monkeypatch.setattr(verifiers, "LONGEST", 0.2)
    assert not accepts(raises, RIGHT)
    assert not accepts(hangs, RIGHT)


def test_every_scorer_tells_right_from_wrong() -> None:
    for name, scorer in verifiers.scorers().items():
        scorer(RIGHT.response, RIGHT.gold)  # the first call may start processes
        assert accepts(scorer, RIGHT), name
        assert not accepts(scorer, WRONG), name
