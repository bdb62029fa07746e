"""The live view says what a reader needs, at any width, whatever the run does not measure."""

import math
from pathlib import Path
from typing import Any

import pytest
from live_rows import console, drawn, row, validation_row

from recipes.runs.alarms import Alarm
from recipes.train.live.history import History
from recipes.train.live.startup import Startup
from recipes.train.live.view import View

WHOLE = [validation_row(0, 0.281), *(row(step) for step in range(1, 13)), validation_row(12, 0.507)]
ALARM = Alarm("entropy", 9, 12, "the entropy fell to a tenth of what it was", "entropy")


def view(rows: list[dict[str, Any]], tmp_path: Path, first: int = 0, earlier: int = 0, **more: Any) -> View:
    history = History(first, 30, rows[:earlier])
    for one in rows[earlier:]:
        history.add(one)
    return View(history, Startup(tmp_path / "no.log", validates=True), "quickstart / tiny", "log logs/a.log", **more)


def text(shown: View, width: int = 80, **more: Any) -> str:
    return "\n".join(drawn(shown, console(width, **more)))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_a_reader_needs_fits(tmp_path: Path, width: int) -> None:
    rows = [row(step, actor__maspo_gate=0.93, reward__status__timeout=0.05) for step in range(1, 13)]
    shown = view([validation_row(0, 0.281), *rows, validation_row(12, 0.507)], tmp_path, alarms=[ALARM] * 5)
    lines = drawn(shown, console(width))
    assert len(lines) <= 14
    assert max(map(len, lines)) <= min(width, 100)
    whole = "\n".join(lines)
    wanted = ("step 12/30", "left", "reward", "0.344", "validation", "0.507 ± 0.028", "10.9 tokens", "1.6% truncated")
    wanted += (
        "entropy",
        "0.152",
        "LN 0.28%",
        "HP 0.14%",
        "timeout 5.0%",
        "gen",
        "40%",
        "logp" if width < 80 else "old",
    )
    wanted += ("steps 9 to 12: the entropy fell", "3 more alarms", "quickstart / tiny")
    assert [word for word in wanted if word not in whole] == []


def test_more_room_shows_more(tmp_path: Path) -> None:
    shown = view(WHOLE, tmp_path)
    assert "best 0.507 at step 12" in text(shown) and "first 0.281" in text(shown)
    assert "first 0.281" not in text(shown, 60)
    assert "other" in text(shown, 80)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (13, 3), (20, 24), (30, 5), (80, 4), (300, 100)])
def test_any_size_is_drawn_within_it(tmp_path: Path, width: int, height: int) -> None:
    lines = drawn(view(WHOLE, tmp_path, alarms=[ALARM]), console(width, height))
    assert max(map(len, lines)) <= width
    assert len(lines) <= max(height, 2)


def test_what_the_scorer_never_says_is_left_out(tmp_path: Path) -> None:
    shown = text(view(WHOLE, tmp_path))
    assert "ok 34%" in shown and "wrong 66%" in shown and "timeout" not in shown


def test_no_number_is_shown_as_such(tmp_path: Path) -> None:
    """verl writes NaN as null."""
    broken = row(13, critic__score__mean=None, actor__entropy=math.nan, response_length__mean=None, timing_s__step=None)
    shown = text(view([*WHOLE, broken, validation_row(13, None)], tmp_path))
    by_label = {line.split()[1]: line for line in shown.splitlines() if len(line.split()) > 2}
    assert "nan" in by_label["reward"] and "nan" in by_label["entropy"] and "nan tokens" in by_label["responses"]
    assert "nan" in by_label["validation"] and "best 0.507" in by_label["validation"]
    assert "left" in shown, "the time left comes from the steps before"


def test_metrics_that_are_missing_have_no_line(tmp_path: Path) -> None:
    shown = text(view([{"step": 1, "data": {"critic/score/mean": 0.5}}], tmp_path))
    assert "0.500" in shown and "left -" in shown
    for absent in ("validation", "tokens", "entropy", "boundary", "gate", "scorer", "time"):
        assert absent not in shown


def test_before_the_first_step_it_says_what_is_going_on(tmp_path: Path) -> None:
    shown = text(view([], tmp_path))
    assert "starting Ray" in shown and "30 steps to go" in shown and "reward" not in shown
    assert "0.281" in text(view([validation_row(0, 0.281)], tmp_path)), "the validation before training"


def test_a_resumed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    before = [validation_row(0, 0.281), *(row(step) for step in range(1, 6))]
    shown = text(view(before, tmp_path, first=5, earlier=6))
    assert "5 of 30 steps are done" in shown and "starting Ray" in shown
    resumed = view([*before, row(6)], tmp_path, first=5, earlier=6)
    shown = text(resumed)
    assert "step 6/30" in shown and "0.281" in shown
    assert "2.7 s/step" in shown, "only this attempt's steps tell the time: 2.67 s, not the median of all"
    assert resumed.history.left() == pytest.approx(24 * 2.67)


def test_the_last_step_is_the_end(tmp_path: Path) -> None:
    shown = text(view([row(step) for step in range(1, 31)], tmp_path))
    assert "step 30/30" in shown or "30/30" in shown
    assert "done" in shown and "left" not in shown


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
def test_a_terminal_without_unicode_gets_other_signs(tmp_path: Path, encoding: str) -> None:
    shown = text(view(WHOLE, tmp_path, alarms=[ALARM]), encoding=encoding)
    shown.encode(encoding)
    assert "####" in shown and "0.507 +- 0.028" in shown and "GGGG" in shown and "! steps 9" in shown
    assert "generation 40%" in shown


def test_time_of_a_step_adds_up(tmp_path: Path) -> None:
    from recipes.train.live.step_time import shares

    found = shares(view(WHOLE, tmp_path).history)
    assert sum(part for _, part in found) == pytest.approx(1)
    assert found[-1][1] == pytest.approx(1 - (1.83 + 0.29 + 1.02 + 1.13) / 4.58)
    overlapping = shares(view([row(1, timing_s__gen=50.0)], tmp_path).history)
    assert sum(part for _, part in overlapping) == pytest.approx(1) and overlapping[-1][1] == 0


def test_standard_errors_of_several_benchmarks_add_up_like_variances(tmp_path: Path) -> None:
    data = {"val-core/a/acc/mean@4": 0.2, "val-core/b/acc/mean@4": 0.6}
    data |= {"val-aux/a/acc/stderr@4": 0.03, "val-aux/b/acc/stderr@4": 0.04}
    assert "0.400 ± 0.025" in text(view([{"step": 0, "data": data}], tmp_path))
