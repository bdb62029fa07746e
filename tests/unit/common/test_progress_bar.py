"""Counted work looks the same everywhere: a bar on a terminal, elsewhere a line now and then and one at the end."""

import pytest
from live_rows import console

from recipes.common import progress_bar


class Clock:
    """time.monotonic that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_bar, "time", clock)
    return clock


def lines(on: object) -> list[str]:
    return on.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_plain_lines_are_at_least_ten_seconds_apart(clock: Clock) -> None:
    on = console(200, TERM="dumb")
    with progress_bar.counting(on, "samples", 100) as counter:
        for _ in range(100):
            clock.now += 0.5
            counter.advance()
    *during, last = lines(on)
    assert len(during) == 5
    assert during[0] == "samples: 20 of 100, left 0:40, 0:10"
    assert last == "samples: 100, took 0:50"


def test_what_had_to_start_first_does_not_count_for_the_time_left(clock: Clock) -> None:
    on = console(200, TERM="dumb")
    with progress_bar.counting(on, "samples", 11) as counter:
        counter.say("starting vLLM")
        clock.now += 1000
        for _ in range(6):
            counter.advance()
            clock.now += 2
    assert "samples: 6 of 11, left 0:10, starting vLLM, 16:50" in lines(on)


def test_a_bar_leaves_one_line(clock: Clock) -> None:
    on = console(80)
    with progress_bar.counting(on, "scoring (ours)", 3) as counter:
        for _ in range(3):
            counter.advance()
    assert lines(on)[-1].endswith("scoring (ours): 3, took 0:00")


def test_nothing_is_said_to_be_done_that_failed(clock: Clock) -> None:
    on = console(80, TERM="dumb")
    with pytest.raises(ValueError), progress_bar.counting(on, "samples", 3):
        raise ValueError
    assert lines(on) == []


def test_what_cannot_be_counted(clock: Clock) -> None:
    on = console(80, TERM="dumb")
    with progress_bar.waiting(on, "converting a model"):
        clock.now += 75
    assert lines(on) == ["converting a model ...", "converting a model: took 1:15"]
