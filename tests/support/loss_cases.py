"""What the tests of losses share: a batch, a call as verl makes it, and the gradient it must give.

Clip widths, dual-clip constant and temperatures are unequal and no defaults, so that swapping or ignoring one shows.
"""

from typing import Any

import numpy as np
import torch
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.workers.config import ActorConfig

import recipes.plugin.register  # noqa: F401 (registers the losses)
from losses import extras

LOW, HIGH = 0.1, 0.3
DUAL = 2.5  # clip_ratio_c
TAU_POS, TAU_NEG = 0.8, 1.7
SCALE = 50  # loss_scale_factor of seq-mean-token-sum-norm
BOUNDARY_CASES = ("left_negative", "left_positive", "right_negative", "right_positive")
MODES = ["token-mean", "token-sum", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"]
SEQUENCES = "seq-mean-token-mean"

Batch = dict[str, torch.Tensor]


def tolerance(mode: str) -> float:
    """verl adds 1e-8 to the token counts of seq-mean-token-mean."""
    return 2e-8 if mode == SEQUENCES else 1e-9


def make_batch(dtype: torch.dtype = torch.float64, seed: int = 0) -> Batch:
    """Eight responses of up to 12 tokens, of unequal length, the sixth fully masked; ratios on all sides."""
    rng = np.random.default_rng(seed)
    old = rng.uniform(-6, -0.05, size=(8, 12))
    lengths = np.array([12, 3, 7, 1, 12, 0, 5, 9])
    batch = {
        "old_log_prob": old,
        "log_prob": old + rng.uniform(-1.5, 1.5, size=old.shape),
        "advantages": np.repeat(rng.choice([-1.7, -0.4, 0.6, 2.1], size=(8, 1)), 12, axis=1),
    }
    tensors = {name: torch.from_numpy(value).to(dtype) for name, value in batch.items()}
    return tensors | {"response_mask": torch.from_numpy(np.arange(12) < lengths[:, None])}


def actor_config(
    policy_loss: Any,
    mask: torch.Tensor,
    mode: str = "token-mean",
    dp_size: int = 1,
    **changes: Any,
) -> ActorConfig:
    """verl's actor config for mini-batches with this response mask; `changes` are other fields of it."""
    fields = {
        "clip_ratio_low": LOW,
        "clip_ratio_high": HIGH,
        "clip_ratio_c": DUAL,
        "tau_pos": TAU_POS,
        "tau_neg": TAU_NEG,
    }
    config = ActorConfig(
        strategy="fsdp",
        rollout_n=1,
        ppo_micro_batch_size_per_gpu=1,
        policy_loss=policy_loss,
        loss_agg_mode=mode,
        **(fields | changes),
    )
    config.global_batch_info.update(
        dp_size=dp_size,
        batch_num_tokens=int(mask.sum()),
        global_batch_size=len(mask),
        loss_scale_factor=SCALE if mode == "seq-mean-token-sum-norm" else None,
    )
    return config


def forward(config: ActorConfig, batch: Batch, log_prob: torch.Tensor, rollout_is_weights=None, **whole: Any):
    """Loss and metrics as verl computes them; `whole` is what `over_mini_batch` found, for losses.extras."""
    available = extras.Extras(entropy=batch.get("entropy"), correct=batch.get("correct"), **whole)
    with extras.provided(available):
        return get_policy_loss_fn(config.policy_loss.loss_mode)(
            old_log_prob=batch["old_log_prob"],
            log_prob=log_prob,
            advantages=batch["advantages"],
            response_mask=batch["response_mask"],
            loss_agg_mode=config.loss_agg_mode,
            config=config,
            rollout_is_weights=rollout_is_weights,
        )


def call(config: ActorConfig, batch: Batch, rollout_is_weights=None, **whole: Any):
    """Loss, gradient with respect to log_prob, and metrics, called as verl calls a policy loss."""
    leaf = batch["log_prob"].detach().clone().requires_grad_()
    loss, metrics = forward(config, batch, leaf, rollout_is_weights, **whole)
    loss.backward()
    return loss.detach(), leaf.grad, metrics


def over_mini_batch(config: ActorConfig, parts: list[Batch]) -> dict[str, Any]:
    """What a worker adds up over all micro-batches before the update, where the method asks for it."""
    found: dict[str, Any] = {}
    needs = config.policy_loss.all_needs
    if extras.STATISTICS in needs:
        collected: list[torch.Tensor] = []
        for part in parts:
            forward(config, part, part["log_prob"], collected=collected)
        assert len(collected) == len(parts)
        found["statistics"] = torch.stack(collected).sum(0)
    if extras.CORRECT in needs:
        tokens = sum(part["response_mask"].sum().item() for part in parts)
        correct = sum((part["response_mask"] * part["correct"]).sum().item() for part in parts)
        found["correct_share"] = torch.tensor(correct / max(tokens, 1), dtype=torch.float64)
    return found


def rows(batch: Batch, part: slice) -> Batch:
    """Some responses of a batch."""
    return {name: value[part] for name, value in batch.items()}


def pieces_of(batch: Batch, pieces: int) -> list[Batch]:
    """The batch cut into micro-batches of equal size."""
    size = len(batch["response_mask"]) // pieces
    return [rows(batch, slice(i * size, (i + 1) * size)) for i in range(pieces)]


def tokens_of(batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-ratio, old log-probability and advantage in float64."""
    names = ("log_prob", "old_log_prob", "advantages")
    log_prob, old, advantages = (batch[name].double().numpy() for name in names)
    return log_prob - old, old, advantages


def gradient_of(batch: Batch, ascent: np.ndarray, mode: str = "token-mean") -> np.ndarray:
    """Gradient of the loss: minus the coefficient of ∇log π times the factor of verl's aggregation."""
    mask = batch["response_mask"].numpy()
    factor = {
        "token-mean": 1 / mask.sum(),
        "token-sum": 1.0,
        "seq-mean-token-sum": 1 / len(mask),
        "seq-mean-token-mean": 1 / len(mask) / np.maximum(mask.sum(1, keepdims=True), 1),
        "seq-mean-token-sum-norm": 1 / len(mask) / SCALE,
    }[mode]
    return np.where(mask, -ascent * factor, 0.0)
