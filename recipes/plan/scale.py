"""From 8 to 4,096 GPUs: what a synchronous and an asynchronous trainer make of them.

Two questions. Strong scaling: this run's own rollout batch on more GPUs. Weak scaling: a rollout batch that grows with
the GPUs (and is another experiment for the method). Synchronous: every GPU generates, then waits for the longest
response, then trains. Asynchronous, as verl's separate_async: some GPUs always generate, the others always train;
nobody waits for the longest response, and the slower side sets the pace. At most one rollout batch is in flight; how
stale its responses become is not limited here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from recipes.config.hardware import GPU
from recipes.inputs.architecture import Architecture
from recipes.plan import generation, lengths, step_time
from recipes.plan.efficiency import BEST, WORST, Efficiency
from recipes.plan.sizes import Workload

GPUS = tuple(8 * 2**power for power in range(10))  # 8 … 4,096
SPLITS = 16  # at most, tried for the asynchronous trainer


@dataclass(frozen=True)
class Point:
    """One number of GPUs.

    Attributes:
        gpus: in all.
        weak: whether the batch grew with them.
        sync_rate, async_rate: responses trained on per second; None where the batch is too small to split.
        straggler: share of the synchronous generation's GPU-time lost to waiting for the longest.
        rollout_share: of the GPUs, that generate in the asynchronous trainer.
    """

    gpus: int
    weak: bool
    sync_rate: float
    async_rate: float | None
    straggler: float
    rollout_share: float


def at(workload: Workload, gpus: int, weak: bool) -> Workload:
    """The workload on `gpus` GPUs; the batch and its mini-batches grow with them if `weak`."""
    growth = gpus / workload.gpus if weak else 1
    return replace(
        workload,
        nodes=max(1, gpus // workload.gpus_per_node),
        gpus_per_node=min(gpus, workload.gpus_per_node),
        prompts=max(1, round(workload.prompts * growth)),
        mini_batch=max(1, round(workload.mini_batch * growth)),
    )


def asynchronous_seconds(
    model: Architecture,
    gpu: GPU,
    workload: Workload,
    mean: float,
    efficiency: Efficiency,
    trainers: int,
    log_prob_passes: int = 1,
) -> float:
    """Seconds for one rollout batch where `trainers` of the GPUs always train and the others always generate."""
    machine = generation.engine(model, gpu, workload, mean, efficiency)
    engines = (workload.gpus - trainers) // workload.tensor_parallel
    # Engines that the batch can't fill run with the responses there are.
    filled = replace(machine, slots=max(1, min(machine.slots, workload.generated // engines)))
    rate = filled.rate(mean, lengths.second_moment(mean, workload.response_limit))
    generated = workload.generated * mean / (min(engines, workload.generated) * rate)
    width = min(trainers, workload.gpus_per_node)
    trainer = replace(workload, nodes=trainers // width, gpus_per_node=width, tensor_parallel=1)
    phases = step_time.training_seconds(model, gpu, trainer, mean, efficiency)
    trained = phases["update"] + log_prob_passes * phases["old log-probs"]
    return max(generated, trained + step_time.sync_seconds(model, gpu, trainer, efficiency) + efficiency.rest)


def _asynchronous(
    model: Architecture, gpu: GPU, workload: Workload, mean: float, efficiency: Efficiency
) -> tuple[float | None, float]:
    """Responses per second with the best split of the GPUs, and the share that generates."""
    best: tuple[float | None, float] = (None, 0.0)
    for trainers in _trainers(workload):
        rate = workload.responses / asynchronous_seconds(model, gpu, workload, mean, efficiency, trainers)
        if best[0] is None or rate > best[0]:
            best = rate, 1 - trainers / workload.gpus
    return best


def _trainers(workload: Workload) -> Iterator[int]:
    """Numbers of GPUs that may train, the rest generating: whole nodes, or parts of the only one."""
    grain = workload.gpus_per_node if workload.nodes > 1 else max(workload.ulysses, workload.tensor_parallel)
    parts = workload.gpus // grain
    for part in range(1, parts, max(1, parts // SPLITS)):
        if part * grain % workload.ulysses == 0:
            yield part * grain


def point(model: Architecture, gpu: GPU, workload: Workload, mean: float, efficiency: Efficiency, weak: bool) -> Point:
    """Both trainers at one size."""
    step = step_time.one(model, gpu, workload, mean, efficiency)
    rate, share = _asynchronous(model, gpu, workload, mean, efficiency)
    return Point(workload.gpus, weak, workload.responses / step.total, rate, step.straggler, share)


def simulate(
    model: Architecture, gpu: GPU, workload: Workload, mean: float | None = None
) -> Iterator[tuple[Point, Point]]:
    """(best, worst) for every size, first strong, then weak; both with the middle of the mean lengths."""
    middle = sum(step_time.mean_lengths(workload, mean)) / 2
    for weak in (False, True):
        for gpus in GPUS:
            if gpus % workload.ulysses or gpus % workload.tensor_parallel:
                continue
            size = at(workload, gpus, weak)
            yield (
                point(model, gpu, size, middle, BEST, weak),
                point(model, gpu, size, middle, WORST, weak),
            )
