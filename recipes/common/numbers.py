"""What counts as a number in a config or a metrics file: to Python true is 1, to nobody else."""

import math
from typing import Any, TypeGuard


def is_integer(value: Any) -> TypeGuard[int]:
    """An int that is not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> TypeGuard[int | float]:
    """A finite int or float that is not a bool."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))
