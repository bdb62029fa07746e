"""How often torch.compile compiles one loss while the lengths of its batches change.

A training hands over micro-batches of twenty lengths in its first steps. A pass that is compiled with dynamic shapes is
compiled once or twice (torch treats a first length as fixed, a second one makes it a variable); one that is specialised
is compiled for every length, up to torch's limit, while all other ranks wait.
"""

from collections.abc import Callable, Iterable

import torch
from torch._dynamo.utils import counters


def graphs(call: Callable[[int], object], lengths: Iterable[int]) -> int:
    """Graphs that torch compiles while `call` runs with each length, from none on.

    Args:
        call: runs what is compiled once.
        lengths: that it is called with, in order.
    """
    torch._dynamo.reset()
    counters.clear()
    for length in lengths:
        call(length)
    return int(counters["stats"]["unique_graphs"])


def lengths(count: int, longest: int) -> list[int]:
    """`count` different lengths up to `longest`, none a multiple of another by design: the same every time."""
    generator = torch.Generator().manual_seed(0)
    drawn = 1 + torch.randperm(longest, generator=generator)[:count]
    return [int(length) for length in drawn]
