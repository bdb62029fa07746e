"""What is a number, and what only looks like one to Python."""

import math
from typing import Any

import pytest

from recipes.common.numbers import is_integer, is_number


@pytest.mark.parametrize(
    ("value", "integer", "number"),
    [
        (0, True, True),
        (-3, True, True),
        (10**400, True, True),
        (1.0, False, True),
        (True, False, False),
        (math.nan, False, False),
        (-math.inf, False, False),
        ("1", False, False),
        (None, False, False),
    ],
)
def test_integers_and_numbers(value: Any, integer: bool, number: bool) -> None:
    assert (is_integer(value), is_number(value)) == (integer, number)
