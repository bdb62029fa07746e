"""Gradient on the tokens of most entropy only (arXiv 2506.01939), which any method may have on top.

Which entropy is high is decided over the whole update mini-batch and all ranks, from numbers of tokens per interval of
entropy: they are additive, so how the mini-batch is cut changes nothing. The threshold is one of EDGES, less than 0.6 %
above the exact quantile.
"""

import torch

from losses import intervals
from losses.tokens import Tokens

INTERVALS, SMALLEST, LARGEST = 2048, 1e-4, 20.0  # nats; a vocabulary of 4.8e8 tokens has 20
EDGES = intervals.geometric(SMALLEST, LARGEST, INTERVALS)
COUNTS = len(EDGES) + 1


def entropy_counts(tokens: Tokens, method: str) -> torch.Tensor:
    """Numbers of response tokens between neighbouring EDGES, (COUNTS,), float64; `method` is who asks for entropy."""
    entropy, mask = tokens.entropy(method).flatten().double(), tokens.mask.flatten().double()
    return intervals.sums(entropy, EDGES, mask)


def low_entropy(tokens: Tokens, counts: torch.Tensor, share: float, method: str) -> torch.Tensor:
    """Whether a token is left out, boolean, (B, T): not among the share with the highest entropy.

    Args:
        tokens: of the micro-batch.
        counts: `entropy_counts`, added up over everything that belongs to the mini-batch.
        share: to be kept, in (0, 1); fewer where many tokens have one entropy.
        method: who asks.
    """
    edges = torch.tensor(EDGES, dtype=counts.dtype, device=counts.device)
    above = counts.sum() - counts.cumsum(0)[:-1]  # tokens with more entropy than each edge, falling
    too_many = (above > share * counts.sum()).sum().clamp(max=len(EDGES) - 1)
    threshold = edges.index_select(0, too_many.view(1))
    return tokens.entropy(method) <= threshold.to(tokens.mask.dtype)
