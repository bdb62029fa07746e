"""From a gradient weight to a verl policy loss.

Every method here is fully described by its gradient weight w (a function of ratio, old probability and advantage):

    ∇J = E_t[ w · Â · ∇log π_θ ]        loss_t = −sg(w) · Â · exp(log π_θ − sg(log π_θ))

This is the one place where ratio, aggregation, rollout-correction weights and metrics meet.
"""

from typing import Any, Protocol

import torch
from verl.trainer.ppo.core_algos import agg_loss

from losses.metrics import token_metrics
from losses.tokens import Tokens


class WeightedLossConfig(Protocol):
    """What `actor.policy_loss` must offer: its method's gradient weight for a micro-batch."""

    def gradient_weight(self, tokens: Tokens, actor: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return w ≥ 0, detached, (B, T), and per-token diagnostics (B, T) to be averaged into metrics.

        `actor` is verl's ActorConfig: clip widths live there (clip_ratio_low, clip_ratio_high, clip_ratio_c).
        """
        ...


def policy_loss(
    old_log_prob: torch.Tensor,
    log_prob: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    loss_agg_mode: str = "token-mean",
    config: Any = None,
    rollout_is_weights: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of any method given by a gradient weight, in the signature of verl's policy-loss registry.

    Args:
        old_log_prob: log π_old of the sampled tokens, (B, T).
        log_prob: log π_θ of the sampled tokens, (B, T); the only input that carries gradient.
        advantages: Â, (B, T).
        response_mask: 1 for response tokens that count, (B, T).
        loss_agg_mode: verl's aggregation mode.
        config: verl's ActorConfig; `config.policy_loss` is a WeightedLossConfig.
        rollout_is_weights: importance weights of verl's rollout correction, (B, T), or None.

    Returns:
        The scalar loss, normalised over the whole mini-batch and all ranks through `config.global_batch_info`,
        and metrics as plain floats with the same keys on every call.
    """
    tokens = Tokens.build(log_prob, old_log_prob, advantages, response_mask)
    weight, diagnostics = config.policy_loss.gradient_weight(tokens, config)

    coefficient = weight * tokens.advantages  # (B, T), no gradient
    if rollout_is_weights is not None:
        coefficient = coefficient * rollout_is_weights.detach().masked_fill(response_mask == 0, 0.0)
    log_prob = log_prob.to(coefficient.dtype).masked_fill(response_mask == 0, 0.0)
    # exp(log π − sg(log π)) is 1 in value and ∇log π in gradient, whatever the ratio: no inf·0, no 0/0.
    per_token = -coefficient * torch.exp(log_prob - log_prob.detach())
    loss = agg_loss(per_token, tokens.mask, loss_agg_mode, **config.global_batch_info)
    return loss, token_metrics(tokens, weight, diagnostics, config)
