"""Memory of one GPU, phase by phase: the terms that stand in it at the same time, as ranges in bytes.

verl's step has phases that share a GPU one after another: vLLM generates, the actor computes old log-probs, updates,
and hands its weights back. Each phase is a list of terms; the phase with the largest sum decides. Formulas and sources:
docs/planning.md.
"""

from dataclasses import dataclass

from recipes.common import attention
from recipes.config.hardware import GIB, GPU
from recipes.inputs.architecture import Architecture
from recipes.plan.sizes import Workload

CONTEXT = (1.5 * GIB, 4.0 * GIB)  # two CUDA contexts, NCCL's buffers, what the allocator can't reuse: assumption
ASLEEP = (0.5 * GIB, 2.0 * GIB)  # CUDA graphs and workspaces that vLLM keeps while it sleeps: assumption


@dataclass(frozen=True)
class Term:
    """A part of the memory of one phase.

    Attributes:
        name: what it is.
        low, high: bytes.
    """

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Phase:
    """What stands in a GPU's memory at one time.

    Attributes:
        name: of the phase.
        terms: its parts.
    """

    name: str
    terms: tuple[Term, ...]

    @property
    def low(self) -> float:
        """Bytes."""
        return sum(term.low for term in self.terms)

    @property
    def high(self) -> float:
        """Bytes."""
        return sum(term.high for term in self.terms)

    @property
    def dominant(self) -> Term:
        """The largest term."""
        return max(self.terms, key=lambda term: term.high)


def layer_activations(model: Architecture, workload: Workload) -> float:
    """Bytes per token that one layer's backward pass needs when nothing is recomputed inside it.

    Saved by autograd, at c bytes per number: both norms' outputs and normalised inputs (4h), q, k, v and the
    attention's output (2q + 2kv), gate, SiLU(gate), up and their product (4i); and in fp32 the inputs of both norms
    (8h bytes), which transformers up-casts. Counted as Korthikanti et al. do (arXiv 2205.05198, section 4.1), for
    SwiGLU, RMSNorm and FlashAttention, which keeps no scores.
    """
    numbers = 4 * model.hidden + 2 * model.query + 2 * model.key_value + 4 * model.intermediate
    return workload.compute_bytes * numbers + 8 * model.hidden


def checkpoint_activations(model: Architecture, workload: Workload) -> float:
    """Bytes per token kept for all layers: each layer's input, or everything without gradient checkpointing."""
    if workload.activation_offload:
        return 2 * model.hidden * workload.compute_bytes
    if workload.checkpointing:
        return model.layers * model.hidden * workload.compute_bytes
    return model.layers * layer_activations(model, workload)


def _shards(model: Architecture, workload: Workload) -> tuple[float, float]:
    """Bytes of this GPU's part of all parameters, and of those that are trained."""
    one = workload.master_bytes / workload.shards
    return workload.kept(model) * one, workload.trained(model) * one


def _resident(model: Architecture, workload: Workload) -> list[Term]:
    """FSDP's shards of parameters, gradients and Adam's moments while the actor trains (ZeRO-3, arXiv 1910.02054)."""
    if workload.offload_policy:
        return []
    shard, trained = _shards(model, workload)
    terms = [
        Term("parameters (FSDP shard)", shard, shard),
        Term("gradients (FSDP shard)", trained, trained),
        Term("Adam moments (FSDP shard)", 2 * trained, 2 * trained),
    ]
    if workload.reduces_once:  # summed up in fp32 until the last micro-batch
        whole = workload.trained(model) * 4
        terms.append(Term("gradients, not yet reduced", whole, whole))
    return terms


def _idle(model: Architecture, workload: Workload) -> list[Term]:
    """What the actor leaves on the GPU while vLLM generates."""
    shard, trained = (0, 0) if workload.offload_policy else _shards(model, workload)
    terms = [
        Term("parameters (FSDP shard)", shard, shard) if not workload.param_offload else None,
        Term("Adam moments (FSDP shard)", 2 * trained, 2 * trained) if not workload.optimizer_offload else None,
    ]
    return [term for term in terms if term and term.high]


def _gathered(model: Architecture, workload: Workload, backward: bool) -> Term:
    """Parameters of the block at work and the next one; in the backward pass their gradients and the fp32 buffer of the
    reduce-scatter. High: the flat all-gather buffer is still alive beside the copy."""
    largest, layer = max(model.layer_parameters, model.embedding), model.layer_parameters
    low = (largest + layer) * workload.compute_bytes if workload.reshard else model.parameters * workload.compute_bytes
    frozen = workload.lora_rank > 0  # no gradients but the adapter's
    low += largest * (workload.compute_bytes + 4) if backward and not frozen else 0
    return Term("gathered parameters and gradients" if backward else "gathered parameters", low, low + 2 * largest)


def _logits(model: Architecture, workload: Workload, tokens: int, entropy: bool, backward: bool) -> list[Term]:
    """Logits of all tokens, and the softmax of the entropy."""
    if workload.fused_logits:
        return []
    numbers = tokens * model.vocab
    copies = workload.compute_bytes * (2 if workload.scaled_logits else 1)
    # flash-attn's cross entropy writes the gradient into the logits; without it, and high: one copy more.
    gradient = numbers * workload.compute_bytes * backward
    least = 0 if workload.attention == attention.FLASH else gradient
    terms = [Term("logits", numbers * copies + least, numbers * copies + gradient)]
    if entropy:
        chunk = min(workload.entropy_chunk or tokens, tokens) * model.vocab
        # Low: torch.compile fuses softmax, product and sum. High: fp32 logits, softmax and product stand side by side.
        kept = backward and not workload.entropy_checkpointing
        terms.append(Term("entropy", 0 if kept else chunk * 4, 8 * numbers + chunk * 4 if kept else 12 * chunk))
    return terms


def _mask(workload: Workload, tokens: int) -> list[Term]:
    """What sdpa reads for packed sequences: a byte for every pair of tokens; high: and a number to add to it."""
    if workload.attention != attention.SDPA:
        return []
    pairs = tokens**2
    return [Term("mask of packed sequences", pairs, pairs * (1 + workload.compute_bytes))]


def _vllm(gpu: GPU, workload: Workload) -> Term:
    share = gpu.memory * workload.vllm_share
    return Term("vLLM: weights, KV cache, CUDA graphs", share, share)


def _training(gpu: GPU, workload: Workload) -> list[Term]:
    """What is there in every phase of the actor."""
    asleep = Term("vLLM asleep", *ASLEEP) if workload.sleeps else _vllm(gpu, workload)
    return [Term("CUDA contexts, NCCL, fragmentation", *CONTEXT), asleep]


def _update_phases(model: Architecture, gpu: GPU, workload: Workload) -> list[Phase]:
    """The loss's backward pass through the logits; through a layer; and the optimiser's step."""
    tokens, always = workload.update_tokens, _resident(model, workload) + _training(gpu, workload)
    kept = tokens * checkpoint_activations(model, workload)
    layer = tokens * layer_activations(model, workload) if workload.checkpointing or workload.activation_offload else 0
    gradients = tokens * 2 * (model.hidden + model.intermediate) * workload.compute_bytes
    saved = Term("activations kept for the backward pass", kept, kept)
    at_work = Term("one layer recomputed, its gradients", layer + gradients / 2, layer + gradients)
    gathered = _gathered(model, workload, backward=True)
    logits = _logits(model, workload, tokens, workload.entropy_in_update, backward=True)
    mask = _mask(workload, tokens)
    _, trained = _shards(model, workload)
    # torch.optim.AdamW's foreach implementation takes about the parameters' size on top (PyTorch's documentation).
    step = [] if workload.offload_policy else [Term("AdamW's temporaries", trained, 2 * trained)]
    return [
        Phase("update: logits", (*always, saved, gathered, *logits, *mask)),
        Phase("update: a layer's backward", (*always, saved, gathered, at_work, *mask)),
        Phase("update: optimiser step", (*always, *step)),
    ]


def _log_prob_phase(model: Architecture, gpu: GPU, workload: Workload) -> Phase:
    tokens = workload.log_prob_tokens
    shard, trained = (0, 0) if workload.offload_policy else _shards(model, workload)
    moments = 0 if workload.optimizer_offload else 2 * trained
    # Nothing is saved: the residual stream and what one layer holds at a time.
    low = tokens * workload.compute_bytes * (2 * model.hidden + 2 * model.intermediate)
    terms = [
        Term("parameters (FSDP shard)", shard, shard),
        Term("Adam moments (FSDP shard)", moments, moments),
        _gathered(model, workload, backward=False),
        Term("activations of one layer", low, 1.5 * low),
        *_logits(model, workload, tokens, entropy=True, backward=False),
        *_mask(workload, tokens),
        *_training(gpu, workload),
    ]
    return Phase("old log-probs", tuple(term for term in terms if term.high))


def _sync_phase(model: Architecture, gpu: GPU, workload: Workload) -> Phase:
    """vLLM's weights are back, its KV cache is not; parameters are gathered one by one in FSDP's dtype and go through a
    bucket; a tensor larger than the bucket goes by itself."""
    shard, trained = _shards(model, workload)
    weights = model.parameters * workload.rollout_bytes / workload.tensor_parallel
    largest = model.embedding * workload.master_bytes
    moments = 0 if workload.optimizer_offload or workload.offload_policy else 2 * trained
    vllm = Term("vLLM's weights", weights, weights) if workload.sleeps else _vllm(gpu, workload)
    terms = [
        Term("parameters (FSDP shard)", 0 if workload.offload_policy else shard, shard),
        Term("Adam moments (FSDP shard)", moments, moments),
        vllm,
        Term("bucket of weights", workload.bucket, workload.bucket),
        Term("largest parameter, gathered", largest, 2 * largest),
        Term("CUDA contexts, NCCL, fragmentation", *CONTEXT),
        Term("vLLM asleep", *ASLEEP),
    ]
    return Phase("weights to vLLM", tuple(term for term in terms if term.high))


def phases(model: Architecture, gpu: GPU, workload: Workload) -> list[Phase]:
    """All phases of a step, in order; each as (terms, low, high) in bytes for one GPU."""
    context = Term("CUDA contexts, NCCL, fragmentation", CONTEXT[0] / 2, CONTEXT[1] / 2)  # vLLM's own is in its share
    generation = Phase("generation", (_vllm(gpu, workload), *_idle(model, workload), context))
    return [
        generation,
        _log_prob_phase(model, gpu, workload),
        *_update_phases(model, gpu, workload),
        _sync_phase(model, gpu, workload),
    ]


def peak(model: Architecture, gpu: GPU, workload: Workload) -> Phase:
    """The phase that needs most, at its upper end."""
    return max(phases(model, gpu, workload), key=lambda phase: phase.high)


def kv_tokens(model: Architecture, gpu: GPU, workload: Workload) -> tuple[float, float]:
    """Fewest and most tokens that a vLLM engine's KV cache holds; negative where the weights leave no room.

    Its share, less weights, activations of the profiling run (all batched tokens through one layer; fp32 logits of
    every sequence) and CUDA graphs (0.5 to 2 GiB: assumption).
    """
    parallel = workload.tensor_parallel
    weights = model.parameters * workload.rollout_bytes / parallel
    profile = workload.batched_tokens * 2 * (2 * model.intermediate / parallel + 4 * model.hidden)
    profile += workload.max_sequences * model.vocab * 4
    per_token = model.key_value_width * workload.rollout_bytes / parallel
    room = gpu.memory * workload.vllm_share - weights
    return (room - 2 * profile - 2 * GIB) / per_token, (room - profile - 0.5 * GIB) / per_token
