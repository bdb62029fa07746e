"""A YAML value can stand where a type is declared, or not."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch

from recipes.checks.types import described, fits


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (bool, [True, None], [1, "true", 0.0]),
        (int, [3, -1], [True, 3.5, 1e6, "3", [3]]),
        (float, [1e-6, 3, float("inf")], [False, "1e-6"]),
        (str, ["", "no_"], [1, True, ["a"]]),
        (int | None, [None, 4], ["null", 4.5]),
        (int | str, [4, "four"], [True, 4.5]),
        (Literal["error", "left"], ["left"], ["right", 1]),
        (Literal[1, 2], [1], [3, "1"]),
        (list, [[], [1, "a"]], ["a", 1]),
        (list[int], [[], [1, 2]], [[1.5], ["1"], 1]),
        (tuple[float, float], [[0.9, 1]], [[0.9], [0.9, "1"], 0.9]),
        (tuple[int, ...], [[1, 2, 3]], [["a"]]),
        (dict, [None], ["a", 1]),
        (Any, [1, "a", [1], None], []),
        # No YAML value is one; verl makes it.
        (torch.dtype, ["float32", 1, None], []),
        (Callable[[int], int] | torch.dtype, ["anything"], []),
    ],
)
def test_what_fits(hint: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not fits(value, hint)] == []
    assert [value for value in bad if fits(value, hint)] == []


def test_a_type_in_words() -> None:
    assert described(int | None) == "an integer or null"
    assert described(Literal["left", "right"]) == "left or right"
    assert described(tuple[float, float]) == "a list"
