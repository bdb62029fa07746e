"""Loss and gradient in one compiled pass.

Op by op, a loss reads and writes the (B, T) tensors some twenty times. Compiled (torch.compile: C++ on a CPU, Triton on
a GPU), one loop reads the inputs once and writes the slope of the loss; nothing is left for the backward pass but a
multiplication by the incoming gradient. The eager code in losses.surrogate is the reference it is tested against, and
what runs, with a warning, where compilation fails.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import torch

from losses.aggregation import aggregation_factor

SlopeAndSums = Callable[..., tuple[torch.Tensor, dict[str, torch.Tensor]]]


class _KnownGradient(torch.autograd.Function):
    """A scalar whose gradient with respect to `log_prob` is known already.

    The gradient is scaled in place and handed on: a second (B, T) tensor would cost as much time as the pass itself.
    So there is one backward pass; autograd refuses a second (retain_graph=True) by the tensor's version.
    """

    @staticmethod
    def forward(ctx: Any, log_prob: torch.Tensor, loss: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(gradient)
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(grads[0].to(gradient.dtype)), None, None


def _pass(
    slope_and_sums: SlopeAndSums, inputs: tuple[Any, ...], loss_agg_mode: str, global_batch_info: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    slope, sums = slope_and_sums(*inputs)
    scaled = slope * aggregation_factor(inputs[3].to(slope.dtype), loss_agg_mode, **global_batch_info)
    return scaled.sum(), scaled.to(inputs[0].dtype), sums


@functools.cache
def _compiled() -> Callable[..., Any]:
    return torch.compile(_pass, dynamic=True)


def loss_and_sums(
    slope_and_sums: SlopeAndSums, inputs: tuple[Any, ...], loss_agg_mode: str, global_batch_info: dict[str, Any]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The scalar loss, differentiable with respect to `inputs[0]` (log_prob), and the sums of its metrics.

    Args:
        slope_and_sums: losses.surrogate.slope_and_sums.
        inputs: its arguments; the first is log_prob, the fourth the response mask.
        loss_agg_mode: verl's aggregation mode.
        global_batch_info: verl's sizes of the whole mini-batch.
    """
    log_prob = inputs[0]
    arguments = (slope_and_sums, (log_prob.detach(), *inputs[1:]), loss_agg_mode, global_batch_info)
    try:
        loss, gradient, sums = _compiled()(*arguments)
    except Exception as error:  # any failure of the compiler; the eager pass raises what is wrong with the inputs
        warnings.warn(
            f"The fused loss does not compile here ({type(error).__name__}: {str(error)[:200]}); computing it op by "
            "op. Set actor_rollout_ref.actor.policy_loss.fused=false to choose that.",
            RuntimeWarning,
            stacklevel=2,
        )
        loss, gradient, sums = _pass(*arguments)
    return _KnownGradient.apply(log_prob, loss, gradient), sums
