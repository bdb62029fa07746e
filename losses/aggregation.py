"""verl's means over tokens and sequences, as a factor per sequence."""

import torch


def aggregation_factor(
    mask: torch.Tensor,
    loss_agg_mode: str,
    dp_size: int = 1,
    batch_num_tokens: int | None = None,
    global_batch_size: int | None = None,
    loss_scale_factor: int | None = None,
) -> torch.Tensor:
    """What verl's `agg_loss` multiplies each token of a sequence by: all its modes are linear in the tokens.

    Args:
        mask: response mask, (B, T).
        loss_agg_mode, …: as in verl.trainer.ppo.core_algos.agg_loss.

    Returns:
        Factors, (B, 1), in the dtype of the mask.

    Raises:
        ValueError: unknown mode, or several ranks and no size of the whole mini-batch.
    """
    lengths = mask.sum(-1, keepdim=True)  # (B, 1)
    one = torch.ones_like(lengths)
    if loss_agg_mode == "token-sum":
        return one * dp_size
    if loss_agg_mode == "token-mean":
        _require_whole("batch_num_tokens", batch_num_tokens, dp_size)
        return one * dp_size / (lengths.sum() if batch_num_tokens is None else batch_num_tokens)
    if loss_agg_mode == "seq-mean-token-sum":
        per_sequence = one
    elif loss_agg_mode == "seq-mean-token-sum-norm":
        per_sequence = one * (mask.shape[-1] if loss_scale_factor is None else loss_scale_factor)
    elif loss_agg_mode == "seq-mean-token-mean":
        per_sequence = lengths + 1e-8  # verl's 1e-8
    else:
        raise ValueError(f"Invalid loss_agg_mode: {loss_agg_mode}")
    _require_whole("global_batch_size", global_batch_size, dp_size)
    sequences = (lengths > 0).to(mask.dtype).sum() if global_batch_size is None else global_batch_size
    return dp_size / sequences / per_sequence


def _require_whole(name: str, size: int | None, dp_size: int) -> None:
    """A rank that divided by its own size would weigh its tokens by how few the others have."""
    if size is None and dp_size > 1:
        raise ValueError(f"{name} of the whole mini-batch is required when dp_size > 1")
