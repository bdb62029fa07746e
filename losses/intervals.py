"""Sums over tokens by the interval that a value of theirs lies in.

They are additive, so a threshold that depends on a whole mini-batch is found without sorting, however the mini-batch is
cut into micro-batches and ranks.
"""

import torch


def geometric(smallest: float, largest: float, count: int) -> list[float]:
    """Edges of `count` intervals from `smallest` to `largest`, each as many times the one before."""
    return [smallest * (largest / smallest) ** (i / count) for i in range(count)] + [largest]


def sums(values: torch.Tensor, edges: list[float], *weights: torch.Tensor) -> torch.Tensor:
    """For each of `weights` its sums below the first edge, between neighbouring ones and above the last.

    Args:
        values: that tell the interval, (N,).
        edges: ascending.
        weights: to be summed, each (N,), of the values' dtype.

    Returns:
        One after another, (number of weights · (len(edges) + 1),).
    """
    interval = torch.bucketize(values, torch.tensor(edges, dtype=values.dtype, device=values.device))
    empty = values.new_zeros(len(edges) + 1)
    return torch.cat([empty.index_add(0, interval, weight) for weight in weights])
