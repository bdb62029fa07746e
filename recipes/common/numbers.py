"""What counts as a number in a config or a metrics file: to Python true is 1, to nobody else."""

import math
from typing import Any, TypeGuard


def is_integer(value: Any) -> TypeGuard[int]:
    """An int that is not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def parsed_integer(text: str) -> int | None:
    """The integer >= 0 that a text spells in digits; None where it spells none, or one beyond all use."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def is_number(value: Any) -> TypeGuard[int | float]:
    """A finite int or float that is not a bool."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))
