"""Log-probs of the tokens of a packed micro-batch, where flash-attn's kernel for them is missing.

verl then goes over the tokens one by one, in Python: a softmax kept in float32 for each (4 bytes · tokens · vocabulary)
and some ten kernels. This computes the same in chunks of rows and keeps one number per token.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from verl.utils import torch_functional

ROWS = 1024  # of logits in float32 at once: 0.6 GB of 152k words


class _LogProbs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        normaliser = torch.cat([rows.float().logsumexp(-1) for rows in logits.split(ROWS)])
        ctx.save_for_backward(logits, labels, normaliser)
        return logits.gather(-1, labels[:, None])[:, 0].float() - normaliser

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        logits, labels, normaliser = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        for first in range(0, len(logits), ROWS):
            part = slice(first, first + ROWS)
            upstream = grad[part, None].float()
            # d log p(y) / d logit(w) = [w = y] − p(w)
            rows = (logits[part].float() - normaliser[part, None]).exp_().mul_(-upstream)
            gradient[part] = rows.scatter_add_(-1, labels[part, None], upstream).to(logits.dtype)
        return gradient, None


def log_probs(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log softmax(logits)[label], in float32.

    Args:
        logits: (…, V), any floating dtype.
        labels: (…), ids of words.
    """
    flat: torch.Tensor = _LogProbs.apply(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))
    return flat.view(labels.shape)


def activate() -> None:
    """verl calls this where it would go over the tokens."""
    torch_functional.logprobs_from_logits_v2 = log_probs
