"""How the readers are judged that benchmarks/readers.py puts side by side."""

import pytest

from benchmarks.readers import OURS, READERS, accepts, reading

INSTALLED = [name for name in READERS if name != "sympy, antlr"]  # which needs another antlr than omegaconf


@pytest.mark.parametrize("name", INSTALLED)
def test_a_reader_tells_right_from_wrong(name: str) -> None:
    assert accepts(name, "1 + x", "x + 1")
    assert accepts(name, r"\frac{2}{4}", r"\frac{1}{2}")
    assert not accepts(name, "x + 2", "x + 1")


@pytest.mark.parametrize("name", READERS)
def test_what_is_not_read_is_compared_as_text(name: str) -> None:
    assert accepts(name, r"\begin{x", r"\begin{x")
    assert not accepts(name, r"\begin{x", r"\begin{y")


def test_reading_takes_time() -> None:
    is_read, milliseconds = reading(OURS, r"\frac{1}{2}")
    assert is_read
    assert 0 < milliseconds < 10_000
    assert not reading(OURS, r"\frac{1}{")[0]
