"""The per-token quantities that gradient weights are functions of."""

from dataclasses import dataclass

import torch

from losses.extras import ENTROPY, NONE, Extras

# verl clamps the log-ratio to this bound before exponentiating (`compute_policy_loss_vanilla`), so that a single
# token with a collapsed probability cannot overflow the update. We keep verl's bound so that methods compare.
LOG_RATIO_BOUND = 20.0


def working_dtype(*tensors: torch.Tensor) -> torch.dtype:
    """The dtype to compute weights in: at least float32, float64 when an input is."""
    dtype = torch.float32
    for tensor in tensors:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype


def clamped_log_ratio(log_ratio: torch.Tensor) -> torch.Tensor:
    """log r within ±LOG_RATIO_BOUND, detached, in at least float32; same shape."""
    return log_ratio.detach().to(working_dtype(log_ratio)).clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)


def sequence_sum(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Sum over the response tokens of each sequence, (B, 1); of log r it is log Π r, the response's own ratio."""
    return (values * mask.to(values.dtype)).sum(-1, keepdim=True)


def sequence_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the response tokens of each sequence, (B, 1); 0 for a sequence without any."""
    mask = mask.to(values.dtype)
    return (values * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1.0)


@dataclass(frozen=True)
class Tokens:
    """Per-token inputs of a gradient weight; every tensor has shape (B, T) and carries no gradient.

    Attributes:
        log_ratio: log π_θ − log π_old of the sampled token, within ±LOG_RATIO_BOUND; 0 where the mask is 0.
        old_log_prob: log π_old of the sampled token; 0 where the mask is 0.
        advantages: Â of the token; 0 where the mask is 0.
        mask: 1 for response tokens that count, same float dtype as `log_ratio`.
        extras: what verl does not hand to a loss (losses/extras.py).
    """

    log_ratio: torch.Tensor
    old_log_prob: torch.Tensor
    advantages: torch.Tensor
    mask: torch.Tensor
    extras: Extras  # no default: torch 2.11 does not compile one

    def entropy(self, method: str) -> torch.Tensor:
        """Entropy of the current policy in nats, (B, T), 0 where the mask is 0; `method` is who asks.

        Raises:
            RuntimeError: nobody provides it.
        """
        entropy = self.extras.need(ENTROPY, method)
        return entropy.to(self.mask.dtype).masked_fill(self.mask == 0, 0.0)

    @classmethod
    def build(
        cls,
        log_prob: torch.Tensor,
        old_log_prob: torch.Tensor,
        advantages: torch.Tensor,
        response_mask: torch.Tensor,
        extras: Extras = NONE,
    ) -> "Tokens":
        """Mask: padding may hold anything (inf, NaN), and 0·NaN would poison the sums. Call under `torch.no_grad`."""
        dtype = working_dtype(log_prob, old_log_prob)
        counts = response_mask.bool()  # a comparison with 0 is slower, compiled too
        old = old_log_prob.to(dtype)
        return cls(
            log_ratio=clamped_log_ratio(torch.where(counts, log_prob.to(dtype) - old, 0.0)),
            old_log_prob=torch.where(counts, old, 0.0),
            advantages=torch.where(counts, advantages.to(dtype), 0.0),
            mask=response_mask.to(dtype),
            extras=extras,
        )
