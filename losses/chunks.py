"""Op by op, a chunk of rows at a time.

Each operation of a loss reads and writes whole (B, T) tensors. On a CPU a large micro-batch falls out of the caches
between two of them, and every intermediate is new memory: so a few rows go through all operations, then the next. A GPU
would pay with launches for what its memory gives away; there is losses.fused.
"""

from dataclasses import replace
from typing import Any

import torch

from losses.extras import Extras
from losses.fused import SlopeAndSums

TOKENS = 2**17  # of a chunk: half a megabyte per float32 tensor, enough for several threads


def rows_of_a_chunk(log_prob: torch.Tensor) -> int:
    """How many rows go together; all of them on a GPU."""
    rows, length = log_prob.shape
    return rows if log_prob.device.type != "cpu" else max(1, min(rows, TOKENS // max(length, 1)))


def slope_and_sums(whole: SlopeAndSums, inputs: tuple[Any, ...]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """As `whole(*inputs)`; rows do not depend on each other.

    Args:
        whole: losses.surrogate.slope_and_sums.
        inputs: its arguments.
    """
    rows, size = len(inputs[0]), rows_of_a_chunk(inputs[0])
    if size == rows:
        return whole(*inputs)
    chunks = (slice(first, first + size) for first in range(0, rows, size))
    slopes, sums = zip(*(whole(*(_rows(value, chunk) for value in inputs)) for chunk in chunks), strict=True)
    return torch.cat(slopes), {name: torch.stack([one[name] for one in sums]).sum() for name in sums[0]}


def _rows(value: Any, chunk: slice) -> Any:
    if isinstance(value, torch.Tensor):
        return value[chunk]
    if isinstance(value, Extras):
        return replace(value, entropy=_rows(value.entropy, chunk), correct=_rows(value.correct, chunk))
    return value
