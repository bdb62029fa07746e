"""Does it fit, how many tokens would, and which override buys how much."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from recipes.config.hardware import GPU
from recipes.inputs.architecture import Architecture
from recipes.plan import memory
from recipes.plan.sizes import Workload

FITS, TIGHT, TOO_LARGE = "fits", "may not fit", "does not fit"
GRAIN = 1024  # tokens
_ACTOR, _ROLLOUT = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"


@dataclass(frozen=True)
class Rung:
    """One override of the ladder.

    Attributes:
        overrides: what to write.
        saved: bytes that the phase which gains most gains, at its upper end.
        phase: that phase.
        fits: whether everything fits for certain afterwards.
        price: what it costs.
    """

    overrides: str
    saved: float
    phase: str
    fits: bool
    price: str


def verdict(model: Architecture, gpu: GPU, workload: Workload) -> str:
    """FITS where the upper end of every phase does, TOO_LARGE where a lower end does not or no sequence can be kept."""
    found = memory.phases(model, gpu, workload)
    cache = memory.kv_tokens(model, gpu, workload)
    if max(phase.low for phase in found) > gpu.memory or cache[1] < workload.longest:
        return TOO_LARGE
    return FITS if max(phase.high for phase in found) <= gpu.memory and cache[0] >= workload.longest else TIGHT


def largest_update_tokens(model: Architecture, gpu: GPU, workload: Workload) -> tuple[int, int]:
    """Largest ppo_max_token_len_per_gpu that fits for certain, and that may: multiples of 1,024; 0 for none."""

    def fits(tokens: int, end: str) -> bool:
        found = memory.phases(model, gpu, replace(workload, update_tokens=tokens))
        return all(getattr(phase, end) <= gpu.memory for phase in found if phase.name.startswith("update"))

    def largest(end: str) -> int:
        low, high = 0, 4096  # in grains
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle * GRAIN, end) else (low, middle - 1)
        return low * GRAIN

    return largest("high"), largest("low")


def _candidates(model: Architecture, workload: Workload) -> Iterator[tuple[Workload, str, str]]:
    """Changed setups, the overrides that make them, and the price."""
    half = max(workload.update_tokens // 2, workload.fewest_tokens)
    if half < workload.update_tokens:
        yield replace(workload, update_tokens=half), f"{_ACTOR}.ppo_max_token_len_per_gpu={half}", "more micro-batches"
    half = max(workload.log_prob_tokens // 2, workload.fewest_tokens)
    if half < workload.log_prob_tokens:
        key = f"{_ROLLOUT}.log_prob_max_token_len_per_gpu={half}"
        yield replace(workload, log_prob_tokens=half), key, "more micro-batches"
    switches: list[tuple[str, Any, str, str]] = [
        ("checkpointing", True, "actor_rollout_ref.model.enable_gradient_checkpointing=true", "update × 4/3"),
        ("activation_offload", True, "actor_rollout_ref.model.enable_activation_offload=true", "PCIe traffic"),
        ("param_offload", True, f"{_ACTOR}.fsdp_config.param_offload=true", "seconds per step"),
        ("optimizer_offload", True, f"{_ACTOR}.fsdp_config.optimizer_offload=true", "seconds per step"),
        ("offload_policy", True, f"{_ACTOR}.fsdp_config.offload_policy=true", "Adam on the CPU: slow"),
        ("entropy_checkpointing", True, f"{_ACTOR}.entropy_checkpointing=true", "entropy twice"),
    ]
    if model.tied:  # else refused: recipes.checks.sizes
        fused = "actor_rollout_ref.model.use_fused_kernels=true"
        switches.append(("fused_logits", True, fused, "another kernel for log-probs"))
    for field, wanted, override, price in switches:
        if getattr(workload, field) != wanted:
            yield replace(workload, **{field: wanted}), override, price
    if not workload.lora_rank:
        yield replace(workload, lora_rank=64), "lora=r64", "an adapter is trained, not all weights"
    if not workload.entropy_chunk:
        # Compiled, it would be compiled again for every length: refused (recipes.checks.options).
        override = f"{_ACTOR}.entropy_from_logits_with_chunking=true {_ACTOR}.fsdp_config.use_torch_compile=false"
        yield replace(workload, entropy_chunk=2048), override, "nothing"
    yield from _larger_groups(workload)


def _larger_groups(workload: Workload) -> Iterator[tuple[Workload, str, str]]:
    double = 2 * workload.ulysses
    if workload.gpus % double == 0 and double <= workload.gpus_per_node:
        tokens = max(workload.update_tokens // 2, -(-workload.longest // double))
        changed = replace(workload, ulysses=double, update_tokens=tokens)
        sizes = f"{_ACTOR}.ulysses_sequence_parallel_size={double} {_ACTOR}.ppo_max_token_len_per_gpu={tokens}"
        yield changed, sizes, "all-to-all per layer"
    double = 2 * workload.tensor_parallel
    if workload.gpus % double == 0 and double <= workload.gpus_per_node:
        changed = replace(workload, tensor_parallel=double)
        yield changed, f"{_ROLLOUT}.tensor_model_parallel_size={double}", "fewer, faster engines"
    share = round(workload.vllm_share - 0.1, 2)
    if share > 0.1:
        changed = replace(workload, vllm_share=share)
        yield changed, f"{_ROLLOUT}.gpu_memory_utilization={share}", "smaller KV cache: slower generation"
    changed = replace(workload, nodes=2 * workload.nodes)
    yield changed, f"trainer.nnodes={2 * workload.nodes}", "twice the GPUs"


def ladder(model: Architecture, gpu: GPU, workload: Workload) -> list[Rung]:
    """What buys memory, most first; nothing that buys less than 0.1 GiB."""
    before = {phase.name: phase.high for phase in memory.phases(model, gpu, workload)}
    rungs = []
    for changed, overrides, price in _candidates(model, workload):
        after = {phase.name: phase.high for phase in memory.phases(model, gpu, changed)}
        saved, phase = max((before[name] - after[name], name) for name in before)
        if saved > 0.1 * 2**30:
            rungs.append(Rung(overrides, saved, phase, verdict(model, gpu, changed) == FITS, price))
    return sorted(rungs, key=lambda rung: -rung.saved)
