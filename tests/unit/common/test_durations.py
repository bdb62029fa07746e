"""Seconds, on a clock and in words."""

import pytest

from recipes.common import durations


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (0, "0:00"), (5.4, "0:05"), (754, "12:34"), (11225, "3:07:05"), (-1, "0:00")]
)
def test_on_a_clock(seconds: float | None, shown: str) -> None:
    assert durations.clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (7169, "119 min"),
        (7170, "2 h 00 min"),
        (11225, "3 h 07 min"),
        (2 * 86400, "2 d 0 h"),
        (187200, "2 d 4 h"),
    ],
)
def test_in_words(seconds: float, shown: str) -> None:
    assert durations.words(seconds) == shown
