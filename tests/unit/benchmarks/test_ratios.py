"""When a ratio counts as worse, and how often it is measured before it does."""

import itertools

import pytest

from benchmarks import ratios
from benchmarks.measure import timing

BASELINE = {"a": 0.5, "b": 0.1}


def test_only_what_is_beyond_the_margin_is_worse() -> None:
    assert ratios.worse({"a": 0.99, "b": 0.21, "new": 9.0}, BASELINE, 2.0) == ["b"]


@pytest.fixture
def seconds(monkeypatch):
    """Says how long the attempts take."""

    def say(*attempts: dict[str, list[float]]) -> None:
        given = itertools.chain(attempts, itertools.repeat(attempts[-1]))
        monkeypatch.setattr(timing, "interleave", lambda functions, rounds: next(given))

    return say


SUBJECT = ratios.Subject(dict, base="verl", rounds=1, margin=2.0)


def test_best_times_of_all_attempts_count_on_both_sides(seconds) -> None:
    seconds({"verl": [4.0, 9.0], "ours": [3.0, 8.0]}, {"verl": [2.0, 6.0], "ours": [5.0, 1.0]})
    assert ratios.measure(SUBJECT) == {"ours": 0.5}


def test_measuring_ends_as_soon_as_it_is_good_enough(seconds) -> None:
    seconds({"verl": [1.0], "ours": [9.0]}, {"verl": [1.0], "ours": [1.0]}, {"verl": [0.1], "ours": [1.0]})
    assert ratios.measure(SUBJECT, lambda found: found["ours"] <= 1.0) == {"ours": 1.0}


def test_table_shows_growth() -> None:
    lines = ratios.table({"a": 0.6, "new": 2.0}, BASELINE).splitlines()[2:]
    assert lines == ["| a | 0.5000 | 0.6000 | 1.20 |", "| new | – | 2.0000 | – |"]
