"""From a gradient weight to a verl policy loss.

Every method here is fully described by its gradient weight w (a function of ratio, old probability and advantage):

    ∇J = E_t[ w · Â · ∇log π_θ ]        loss_t = −sg(w) · Â · exp(log π_θ − sg(log π_θ))

This is the one place where ratio, aggregation, rollout-correction weights and metrics meet.
"""

import math
from dataclasses import replace
from typing import Any

import torch

from losses import chunks, extras, fused
from losses.aggregation import aggregation_factor
from losses.entropy_mask import COUNTS, entropy_counts, low_entropy
from losses.metrics import as_metrics, token_sums
from losses.ratio_histogram import ratio_counts
from losses.sequence_mask import off_policy
from losses.tokens import Tokens


class _Surrogate(torch.autograd.Function):
    """c · exp(log π_θ − sg(log π_θ)): c in value, c·∇log π_θ in gradient, without computing either."""

    @staticmethod
    def forward(ctx: Any, log_prob: torch.Tensor, coefficient: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(coefficient)
        ctx.dtype = log_prob.dtype
        return coefficient.clone()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (coefficient,) = ctx.saved_tensors
        return (grads[0] * coefficient).to(ctx.dtype), None


@torch.no_grad()
def slope_and_sums(
    log_prob: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantages: torch.Tensor,
    response_mask: torch.Tensor,
    rollout_is_weights: torch.Tensor | None,
    available: extras.Extras,
    actor: Any,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Per-token slope of the loss and the sums that its metrics are made of; no gradient flows through either.

    Returns:
        −(w·Â + likelihood weight) · rollout-correction weight, (B, T), 0 where the mask is 0; sums over tokens.
    """
    method = actor.policy_loss
    tokens = Tokens.build(log_prob, old_log_prob, advantages, response_mask, available)
    counts = None
    if method.masks_entropy:
        counts, own = available.need(extras.STATISTICS, method.method).tensor_split([COUNTS])
        tokens = replace(tokens, extras=replace(available, statistics=own))
    weight, diagnostics = method.gradient_weight(tokens, actor)
    if method.dual_clip:
        beyond = (tokens.log_ratio > math.log(actor.clip_ratio_c)) & (tokens.advantages < 0)
        weight = weight.masked_fill(beyond, 0.0)
    if method.opsm_delta is not None:
        masked = off_policy(tokens, method.opsm_delta)
        weight = weight.masked_fill(masked, 0.0)
        diagnostics = diagnostics | {"opsm_share": masked.to(weight.dtype)}
    if counts is not None:
        weight = weight.masked_fill(low_entropy(tokens, counts, method.top_entropy_share, method.method), 0.0)
    slope = -weight * tokens.advantages
    likelihood = method.likelihood_weight(tokens)
    if likelihood is not None:
        slope = slope - likelihood * tokens.mask
    if rollout_is_weights is not None:
        slope = slope * rollout_is_weights.masked_fill(response_mask == 0, 0.0)
    return slope, token_sums(tokens, weight, diagnostics, actor)


@torch.no_grad()
def mini_batch_sums(tokens: Tokens, actor: Any) -> torch.Tensor:
    """What must be known of the whole mini-batch, from one micro-batch, (K,) float64: entropies, then the method's."""
    method = actor.policy_loss
    parts = [entropy_counts(tokens, method.method)] if method.masks_entropy else []
    if extras.STATISTICS in method.needs:
        parts.append(method.batch_statistics(tokens, actor))
    return torch.cat(parts)


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
        config: verl's ActorConfig; `config.policy_loss` is a losses.method.MethodConfig.
        rollout_is_weights: importance weights of verl's rollout correction, (B, T), or None.

    Returns:
        The scalar loss, normalised over the whole mini-batch and all ranks through `config.global_batch_info`,
        and metrics as plain floats with the same keys on every call.
    """
    available = extras.current()
    if available.collected is not None:
        tokens = Tokens.build(log_prob, old_log_prob, advantages, response_mask, available)
        available.collected.append(mini_batch_sums(tokens, config))
        return torch.zeros((), device=log_prob.device), {}
    for name in config.policy_loss.all_needs:
        available.need(name, config.policy_loss.method)  # here, or the fused pass would call it a compiler's failure
    inputs = (log_prob, old_log_prob, advantages, response_mask, rollout_is_weights, available, config)
    if config.policy_loss.fused:
        loss, sums = fused.loss_and_sums(slope_and_sums, inputs, loss_agg_mode, config.global_batch_info)
    else:
        slope, sums = chunks.slope_and_sums(slope_and_sums, inputs)
        factor = aggregation_factor(response_mask.to(slope.dtype), loss_agg_mode, **config.global_batch_info)
        loss = _Surrogate.apply(log_prob, slope * factor).sum()
    return loss, as_metrics(sums, ratio_counts(log_prob, old_log_prob, response_mask))
