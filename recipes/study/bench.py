"""One cell: sample a batch, take its updates, look; for all rates and seeds of the unit together.

What it leaves out, on purpose: verl, vLLM, FSDP, micro-batches, the reward's parser (rewards are 0 or 1 by the world's
own rule), a KL penalty, an entropy bonus, the skipping of updates that went too far. Sampler and learner compute in one
process in float32, so π_old is exactly the policy that sampled.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from recipes.study.methods import Method
from recipes.study.world import Rollout, World

LARGEST_NORM = 1.0  # of a row's gradient, as verl clips it
LEFT, RIGHT = 0.8, 1.2  # "outside" is counted against these ratios for every method
CURVES = ("reward", "sampled", "outside", "kl", "entropy", "gradient_norm")


@dataclass(frozen=True)
class Unit:
    """Rows that run together.

    Attributes:
        updates: per batch.
        batches: how many.
        group: responses per prompt.
        staleness: by how many batches the sampling policy is behind.
        rates: learning rates.
        seeds: of task, network and samples.
        warm_up: updates over which the rate rises from 0.
        decay: let the rate fall to 0 along a cosine.
        rate_by_batch: let it move between batches only, as in verl.
    """

    updates: int
    batches: int
    group: int
    staleness: int
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    warm_up: int = 0
    decay: bool = False
    rate_by_batch: bool = False
    weight_decay: float = 0.0
    points: int = 40


def run(world: World, method: Method, unit: Unit, each_batch: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Train every row.

    Args:
        world: begun anew here.
        method: whose weights.
        unit: what runs.
        each_batch: called after every batch.

    Returns:
        Curves by name, each (points + 1, rows), and `batch`, the batches after which they were taken: `reward` expected
        of the policy as it is; over the batches since the last point, means of `sampled` (the reward of the batch),
        `outside` (the share of tokens with r outside [0.8, 1.2]), `kl` (E[r − 1 − log r], an estimate of KL(π_old‖π_θ)
        in nats per token), `entropy` (nats per token) and `gradient_norm` (before clipping).
    """
    world.begin(len(unit.rates), unit.seeds)
    groups = [{"params": leaves, "lr": rate} for leaves, rate in zip(world.parameters, unit.rates, strict=True)]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.999), weight_decay=unit.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda update: _factor(update, unit))
    table = method.advantages(unit.group)
    behind = deque([copied(world)], maxlen=unit.staleness + 1)
    looks = sorted({round(i * unit.batches / unit.points) for i in range(1, unit.points + 1)} - {0})
    curves: dict[str, list[torch.Tensor]] = {name: [] for name in CURVES}
    curves["reward"].append(world.expected_reward())
    since: list[torch.Tensor] = []
    for batch in range(1, unit.batches + 1):
        rollout = world.sample(behind[0], (batch - 1) * unit.updates, unit.updates, unit.group)
        since.append(_updates(world, method, rollout, table, optimiser, schedule))
        behind.append(copied(world))
        if batch in looks:
            for name, value in zip(CURVES[1:], torch.stack(since).mean(0), strict=True):
                curves[name].append(value)
            curves["reward"].append(world.expected_reward())
            since.clear()
        each_batch()
    return {"batch": [0, *looks], **{name: torch.stack(values) for name, values in curves.items()}}


def copied(world: World) -> list[list[torch.Tensor]]:
    """The policies' parameters as they are now."""
    return [[leaf.detach().clone() for leaf in leaves] for leaves in world.parameters]


def _factor(update: int, unit: Unit) -> float:
    if unit.rate_by_batch:
        update -= update % unit.updates
    rising = min(1.0, update / unit.warm_up) if unit.warm_up else 1.0
    if not unit.decay or update < unit.warm_up:
        return rising
    done = (update - unit.warm_up) / max(1, unit.updates * unit.batches - unit.warm_up)
    return rising * 0.5 * (1.0 + math.cos(math.pi * done))


def _updates(
    world: World, method: Method, rollout: Rollout, table: torch.Tensor, optimiser: Any, schedule: Any
) -> torch.Tensor:
    """All updates of one batch; returns the means that `run` reports, (5, rows)."""
    right = rollout.rewards.sum(-1, keepdim=True).long()  # (updates, rows, prompts, 1), per group
    advantages = table[right.expand_as(rollout.rewards), rollout.rewards.long()].flatten(2).unsqueeze(-1)
    log_ratios, entropies, norms = [], [], []
    for update, old in enumerate(rollout.old_log_prob):
        mask = rollout.mask[update]
        log_prob, entropy = world.log_probs(rollout, update)
        given = entropy if method.needs_entropy else None
        optimiser.zero_grad()
        method.loss(log_prob, old, advantages[update].expand_as(old), mask, given).backward()
        norms.append(_clip(world.parameters))
        optimiser.step()
        schedule.step()
        log_ratios.append((log_prob.detach() - old) * mask)
        entropies.append(_mean(entropy, mask))
    log_ratio, ratio = torch.stack(log_ratios), torch.stack(log_ratios).exp()
    outside = ((ratio < LEFT) | (ratio > RIGHT)).float()
    means = [_mean(value, rollout.mask).mean(0) for value in (outside, ratio - 1.0 - log_ratio)]
    over_updates = [torch.stack(values).mean(0) for values in (entropies, norms)]
    return torch.stack([rollout.rewards.mean((0, 2, 3)), *means, *over_updates])


def _mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Over the response tokens of each row, (…, rows)."""
    return (values * mask).sum((-2, -1)) / mask.sum((-2, -1)).clamp(min=1.0)


@torch.no_grad()
def _clip(parameters: list[list[torch.Tensor]]) -> torch.Tensor:
    """Scale each row's gradient down to LARGEST_NORM; returns the norms before, (rows,)."""
    norms = []
    for leaves in parameters:
        squares = [leaf.grad.flatten(1).square().sum(1) for leaf in leaves if leaf.grad is not None]
        norm = torch.stack(squares).sum(0).sqrt()  # (seeds,)
        factor = (LARGEST_NORM / (norm + 1e-6)).clamp(max=1.0)
        for leaf in leaves:
            if leaf.grad is not None:
                leaf.grad *= factor.view(-1, *[1] * (leaf.dim() - 1))
        norms.append(norm)
    return torch.cat(norms)
