"""Small pictures: heights follow the values, widths are kept."""

import math

import pytest

from recipes.train.live import charts


def test_a_sparkline_rises_and_falls_with_its_values() -> None:
    assert charts.sparkline([0, 1, 2, 3, 4, 5, 6, 7], 24, ascii_only=False) == "▁▂▃▄▅▆▇█"
    assert charts.sparkline([1, 0, 1], 24, ascii_only=True) == "#_#"


def test_it_holds_the_latest_values_and_marks_what_is_no_number() -> None:
    assert charts.sparkline([5, 0, math.nan, 1], 3, ascii_only=False) == "▁·█"
    assert len(charts.sparkline(range(1000), 24, ascii_only=True)) == 24
    assert charts.sparkline([0.5, 0.5], 24, ascii_only=False) == "▅▅"
    assert charts.sparkline([math.inf], 5, ascii_only=False) == "·"
    assert charts.sparkline([], 5, ascii_only=False) == charts.sparkline([1.0], 0, ascii_only=False) == ""


@pytest.mark.parametrize("width", [1, 7, 64])
def test_parts_of_a_whole_fill_the_width(width: int) -> None:
    thirds = [("a", "red", 1 / 3), ("b", "blue", 1 / 3), ("c", "green", 1 / 3)]
    assert charts.stacked(thirds, width, ascii_only=True).cell_len == width
    assert charts.bar(0.5, width, ascii_only=True).cell_len == width


def test_a_bar_is_full_at_the_end_and_never_more() -> None:
    assert charts.bar(1.0, 10, ascii_only=True).plain == charts.bar(1.5, 10, ascii_only=True).plain == "#" * 10
    assert charts.bar(0.0, 10, ascii_only=True).plain == "-" * 10
