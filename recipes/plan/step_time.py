"""Seconds per step and GPU-hours of a training, as a range from the best to the worst efficiency."""

from dataclasses import dataclass, replace
from math import ceil

from recipes.common import attention
from recipes.config.hardware import GPU
from recipes.inputs.architecture import Architecture
from recipes.plan import generation, lengths
from recipes.plan.efficiency import BEST, CENTRE, WORST, Efficiency
from recipes.plan.sizes import Workload

PARTS = ("generation", "old log-probs", "update", "weights to vLLM", "rewards and the rest")


@dataclass(frozen=True)
class StepTime:
    """One step.

    Attributes:
        seconds: of each of PARTS.
        straggler: share of the generation's GPU-time lost to waiting for the longest responses.
        mean_length: tokens of a response.
    """

    seconds: dict[str, float]
    straggler: float
    mean_length: float

    @property
    def total(self) -> float:
        """Seconds."""
        return sum(self.seconds.values())


def mean_lengths(workload: Workload, given: float | None) -> tuple[float, float]:
    """Least and most mean response length."""
    if given is not None:
        return given, given
    return workload.response_limit * lengths.SHARES[0], workload.response_limit * lengths.SHARES[1]


def training_flops(model: Architecture, workload: Workload, mean: float) -> tuple[float, float]:
    """Operations of the old log-probs (a forward pass) and of the update, for one rollout batch on all GPUs.

    The backward pass costs two forward passes (Kaplan et al., section 2.1), one where the weights are frozen and only
    activations have gradients (LoRA; the adapter's own are left out); gradient checkpointing a further one.
    """
    prompt, second = workload.mean_prompt, lengths.second_moment(mean, workload.response_limit)
    tokens = workload.responses * (prompt + mean)
    squares = workload.responses * (prompt**2 + 2 * prompt * mean + second)
    backward = 1 if workload.lora_rank else 2
    passes = (1 + backward + workload.checkpointing) * workload.epochs
    if workload.attention == attention.SDPA:  # every token against all of its micro-batch, masked or not
        limits = workload.log_prob_tokens, workload.update_tokens
        before, update = (model.forward_flops(tokens, 2 * tokens * limit) for limit in limits)
        return before, update * passes
    forward = model.forward_flops(tokens, squares)
    return forward, forward * passes


@dataclass(frozen=True)
class _Work:
    """What all GPUs do together between two phases of a step.

    Attributes:
        flops: of all of it.
        tokens, passes: of the rollout batch, and how often each is worked on.
        share: of the GPU's operations that is reached.
        batches: mini-batches, each an optimiser step.
        token_limit: of a micro-batch on one GPU.
        bytes_gathered: per parameter and micro-batch, in all-gathers.
        bytes_reduced: per parameter and reduction of fp32 gradients: scattered, and summed up by copies of the shards.
    """

    flops: float
    tokens: float
    passes: int
    share: float
    batches: int
    token_limit: int
    bytes_gathered: int
    bytes_reduced: int


def _link(gpu: GPU, workload: Workload, efficiency: Efficiency) -> float:
    """Bytes per second with which FSDP's group gathers: NCCL's bus bandwidth.

    Its rings cross between nodes over all network cards of a node at once (NCCL tests, PERFORMANCE.md).
    """
    between = min(gpu.nvlink, gpu.network * workload.gpus_per_node)
    return (gpu.nvlink if workload.shards <= workload.gpus_per_node else between) * efficiency.link


def _reducing(work: _Work, model: Architecture, gpu: GPU, workload: Workload, efficiency: Efficiency) -> float:
    """Seconds of one reduction: gradients are scattered over the shards, and copies on other nodes all-reduce theirs.

    A ring moves 2(n − 1)/n of the bytes (NCCL tests, PERFORMANCE.md), over all network cards of a node at once.
    """
    bytes_ = workload.trained(model) * work.bytes_reduced
    copies = workload.gpus // workload.shards
    between = 2 * (copies - 1) / copies * bytes_
    between /= gpu.network * min(workload.gpus_per_node, workload.shards) * efficiency.link
    return bytes_ / _link(gpu, workload, efficiency) + between


def _seconds(work: _Work, model: Architecture, gpu: GPU, workload: Workload, efficiency: Efficiency) -> float:
    """Seconds for the work, FSDP's communication partly hidden.

    A sequence is not divided further than Ulysses does: however many GPUs there are, a mini-batch takes as long as its
    longest sequence. GPUs with less to do take part in the gathering and wait.
    """
    mini_batches = max(1, workload.prompts // workload.mini_batch) if work.batches > 1 else 1
    sequences = workload.responses / mini_batches
    mean = work.tokens / workload.responses
    longest = workload.mean_prompt + lengths.longest(sequences, mean - workload.mean_prompt, workload.response_limit)
    busy = min(workload.gpus, sequences * mean / longest * workload.ulysses)
    compute = work.flops / (busy * gpu.bf16_flops * work.share)
    micro_batches = work.batches * ceil(work.passes * work.tokens / work.batches / workload.gpus / work.token_limit)
    gathering = micro_batches * model.parameters * work.bytes_gathered / _link(gpu, workload, efficiency)
    reductions = work.batches if workload.reduces_once else micro_batches
    gathering += reductions * _reducing(work, model, gpu, workload, efficiency)
    return max(compute, gathering) + (1 - efficiency.overlap) * min(compute, gathering)


def training_seconds(
    model: Architecture, gpu: GPU, workload: Workload, mean: float, efficiency: Efficiency
) -> dict[str, float]:
    """Seconds of the old log-probs and of the update."""
    forward, update = training_flops(model, workload, mean)
    tokens = workload.responses * (workload.mean_prompt + mean)
    c, share = workload.compute_bytes, efficiency.training
    works = {
        "old log-probs": _Work(forward, tokens, 1, efficiency.scoring, 1, workload.log_prob_tokens, c, 0),
        "update": _Work(update, tokens, workload.epochs, share, workload.updates, workload.update_tokens, 2 * c, 4),
    }
    seconds = {name: _seconds(work, model, gpu, workload, efficiency) for name, work in works.items()}
    return seconds | ({"old log-probs": 0.0} if workload.rollout_anchor else {})


def sync_seconds(model: Architecture, gpu: GPU, workload: Workload, efficiency: Efficiency) -> float:
    """Every GPU gathers all parameters in FSDP's dtype; vLLM sleeps and wakes."""
    return model.parameters * workload.master_bytes / _link(gpu, workload, efficiency) + efficiency.wake


def one(model: Architecture, gpu: GPU, workload: Workload, mean: float, efficiency: Efficiency) -> StepTime:
    """A synchronous step: each phase begins when every GPU has ended the one before."""
    machine = generation.engine(model, gpu, workload, mean, efficiency)
    drawn = lengths.sample(workload.generated, mean, workload.response_limit, workload.seed)
    engines = workload.gpus // workload.tensor_parallel
    seconds = generation.batch_seconds(machine, drawn, engines)
    steady = machine.rate(mean, lengths.second_moment(mean, workload.response_limit))
    ideal = float(drawn.sum()) / (steady * engines)
    parts = {"generation": seconds, **training_seconds(model, gpu, workload, mean, efficiency)}
    parts["weights to vLLM"] = sync_seconds(model, gpu, workload, efficiency)
    parts["rewards and the rest"] = efficiency.rest
    return StepTime(parts, max(0.0, 1 - ideal / seconds), mean)


def span(model: Architecture, gpu: GPU, workload: Workload, mean: float | None = None) -> tuple[StepTime, StepTime]:
    """Short responses on a fast run, and long ones on a slow run."""
    short, long = mean_lengths(workload, mean)
    return one(model, gpu, workload, short, BEST), one(model, gpu, workload, long, WORST)


def centre(model: Architecture, gpu: GPU, workload: Workload, mean: float | None = None) -> StepTime:
    """Responses of middle length on a run as fast as published ones (recipes/plan/efficiency.py)."""
    return one(model, gpu, workload, sum(mean_lengths(workload, mean)) / 2, CENTRE)


def gpu_hours(workload: Workload, step: StepTime) -> float:
    """Of all steps; validation not included."""
    return step.total * workload.steps * workload.gpus / 3600


def sampling_gpu_hours(
    model: Architecture, gpu: GPU, workload: Workload, responses: int, step: StepTime, efficiency: Efficiency
) -> float:
    """GPU-hours to sample an evaluation's responses with the training's engines."""
    sampled = replace(workload, prompts=responses, samples=1, generated_per_kept=1.0)
    machine = generation.engine(model, gpu, sampled, step.mean_length, efficiency)
    drawn = lengths.sample(responses, step.mean_length, workload.response_limit, workload.seed)
    engines = workload.gpus // workload.tensor_parallel
    return generation.batch_seconds(machine, drawn, engines, at_most=8) * workload.gpus / 3600
