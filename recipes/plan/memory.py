"""Memory of one GPU, phase by phase: the terms that stand in it at the same time, as ranges in bytes.

verl's step has phases that share a GPU one after another: vLLM generates, the actor computes old log-probs, updates,
and hands its weights back. Each phase is a list of terms; the phase with the largest sum decides. Formulas and sources:
docs/planning.md.
"""

from dataclasses import dataclass

from recipes.common import attention
from recipes.config.hardware import GIB, GPU
from recipes.plan.architecture import Architecture
from recipes.plan.sizes import Setup

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


def layer_activations(model: Architecture, setup: Setup) -> float:
    """Bytes per token that one layer's backward pass needs when nothing is recomputed inside it.

    Saved by autograd, at c bytes per number: both norms' outputs and normalised inputs (4h), q, k, v and the
    attention's output (2q + 2kv), gate, SiLU(gate), up and their product (4i); and in fp32 the inputs of both norms
    (8h bytes), which transformers up-casts. Counted as Korthikanti et al. do (arXiv 2205.05198, section 4.1), for
    SwiGLU, RMSNorm and FlashAttention, which keeps no scores.
    """
    numbers = 4 * model.hidden + 2 * model.query + 2 * model.key_value + 4 * model.intermediate
    return setup.compute_bytes * numbers + 8 * model.hidden


def checkpoint_activations(model: Architecture, setup: Setup) -> float:
    """Bytes per token kept for all layers: each layer's input, or everything without gradient checkpointing."""
    if setup.activation_offload:
        return 2 * model.hidden * setup.compute_bytes
    if setup.checkpointing:
        return model.layers * model.hidden * setup.compute_bytes
    return model.layers * layer_activations(model, setup)


def _resident(model: Architecture, setup: Setup) -> list[Term]:
    """FSDP's shards of parameters, gradients and Adam's moments while the actor trains (ZeRO-3, arXiv 1910.02054)."""
    shard = model.parameters * setup.master_bytes / setup.shards
    if setup.offload_policy:
        return []
    return [
        Term("parameters (FSDP shard)", shard, shard),
        Term("gradients (FSDP shard)", shard, shard),
        Term("Adam moments (FSDP shard)", 2 * shard, 2 * shard),
    ]


def _idle(model: Architecture, setup: Setup) -> list[Term]:
    """What the actor leaves on the GPU while vLLM generates."""
    shard = 0 if setup.offload_policy else model.parameters * setup.master_bytes / setup.shards
    terms = [
        Term("parameters (FSDP shard)", shard, shard) if not setup.param_offload else None,
        Term("Adam moments (FSDP shard)", 2 * shard, 2 * shard) if not setup.optimizer_offload else None,
    ]
    return [term for term in terms if term and term.high]


def _gathered(model: Architecture, setup: Setup, backward: bool) -> Term:
    """Parameters of the block at work and the next one; in the backward pass their gradients and the fp32 buffer of the
    reduce-scatter. High: the flat all-gather buffer is still alive beside the copy."""
    largest, layer = max(model.layer_parameters, model.embedding), model.layer_parameters
    low = (largest + layer) * setup.compute_bytes if setup.reshard else model.parameters * setup.compute_bytes
    low += largest * (setup.compute_bytes + 4) if backward else 0
    return Term("gathered parameters and gradients" if backward else "gathered parameters", low, low + 2 * largest)


def _logits(model: Architecture, setup: Setup, tokens: int, entropy: bool, backward: bool) -> list[Term]:
    """Logits of all tokens, and the softmax of the entropy."""
    if setup.fused_logits:
        return []
    numbers = tokens * model.vocab
    copies = setup.compute_bytes * (2 if setup.scaled_logits else 1)
    # flash-attn's cross entropy writes the gradient into the logits; without it, and high: one copy more.
    gradient = numbers * setup.compute_bytes * backward
    least = 0 if setup.attention == attention.FLASH else gradient
    terms = [Term("logits", numbers * copies + least, numbers * copies + gradient)]
    if entropy:
        chunk = min(setup.entropy_chunk or tokens, tokens) * model.vocab
        # Low: torch.compile fuses softmax, product and sum. High: fp32 logits, softmax and product stand side by side.
        kept = backward and not setup.entropy_checkpointing
        terms.append(Term("entropy", 0 if kept else chunk * 4, 8 * numbers + chunk * 4 if kept else 12 * chunk))
    return terms


def _mask(setup: Setup, tokens: int) -> list[Term]:
    """What sdpa reads for packed sequences: a byte for every pair of tokens; high: and a number to add to it."""
    if setup.attention != attention.SDPA:
        return []
    pairs = tokens**2
    return [Term("mask of packed sequences", pairs, pairs * (1 + setup.compute_bytes))]


def _vllm(gpu: GPU, setup: Setup) -> Term:
    share = gpu.memory * setup.vllm_share
    return Term("vLLM: weights, KV cache, CUDA graphs", share, share)


def _training(gpu: GPU, setup: Setup) -> list[Term]:
    """What is there in every phase of the actor."""
    asleep = Term("vLLM asleep", *ASLEEP) if setup.sleeps else _vllm(gpu, setup)
    return [Term("CUDA contexts, NCCL, fragmentation", *CONTEXT), asleep]


def _update_phases(model: Architecture, gpu: GPU, setup: Setup) -> list[Phase]:
    """The loss's backward pass through the logits; through a layer; and the optimiser's step."""
    tokens, always = setup.update_tokens, _resident(model, setup) + _training(gpu, setup)
    kept = tokens * checkpoint_activations(model, setup)
    layer = tokens * layer_activations(model, setup) if setup.checkpointing or setup.activation_offload else 0
    gradients = tokens * 2 * (model.hidden + model.intermediate) * setup.compute_bytes
    saved = Term("activations kept for the backward pass", kept, kept)
    at_work = Term("one layer recomputed, its gradients", layer + gradients / 2, layer + gradients)
    gathered = _gathered(model, setup, backward=True)
    logits = _logits(model, setup, tokens, setup.entropy_in_update, backward=True)
    mask = _mask(setup, tokens)
    shard = model.parameters * setup.master_bytes / setup.shards
    # torch.optim.AdamW's foreach implementation takes about the parameters' size on top (PyTorch's documentation).
    step = [] if setup.offload_policy else [Term("AdamW's temporaries", shard, 2 * shard)]
    return [
        Phase("update: logits", (*always, saved, gathered, *logits, *mask)),
        Phase("update: a layer's backward", (*always, saved, gathered, at_work, *mask)),
        Phase("update: optimiser step", (*always, *step)),
    ]


def _log_prob_phase(model: Architecture, gpu: GPU, setup: Setup) -> Phase:
    tokens = setup.log_prob_tokens
    shard = 0 if setup.offload_policy else model.parameters * setup.master_bytes / setup.shards
    moments = 0 if setup.optimizer_offload else 2 * shard
    # Nothing is saved: the residual stream and what one layer holds at a time.
    low = tokens * setup.compute_bytes * (2 * model.hidden + 2 * model.intermediate)
    terms = [
        Term("parameters (FSDP shard)", shard, shard),
        Term("Adam moments (FSDP shard)", moments, moments),
        _gathered(model, setup, backward=False),
        Term("activations of one layer", low, 1.5 * low),
        *_logits(model, setup, tokens, entropy=True, backward=False),
        *_mask(setup, tokens),
        *_training(gpu, setup),
    ]
    return Phase("old log-probs", tuple(term for term in terms if term.high))


def _sync_phase(model: Architecture, gpu: GPU, setup: Setup) -> Phase:
    """vLLM's weights are back, its KV cache is not; parameters are gathered one by one in FSDP's dtype and go through a
    bucket; a tensor larger than the bucket goes by itself."""
    shard = model.parameters * setup.master_bytes / setup.shards
    weights = model.parameters * setup.rollout_bytes / setup.tensor_parallel
    largest = model.embedding * setup.master_bytes
    moments = 0 if setup.optimizer_offload or setup.offload_policy else 2 * shard
    vllm = Term("vLLM's weights", weights, weights) if setup.sleeps else _vllm(gpu, setup)
    terms = [
        Term("parameters (FSDP shard)", 0 if setup.offload_policy else shard, shard),
        Term("Adam moments (FSDP shard)", moments, moments),
        vllm,
        Term("bucket of weights", setup.bucket, setup.bucket),
        Term("largest parameter, gathered", largest, 2 * largest),
        Term("CUDA contexts, NCCL, fragmentation", *CONTEXT),
        Term("vLLM asleep", *ASLEEP),
    ]
    return Phase("weights to vLLM", tuple(term for term in terms if term.high))


def phases(model: Architecture, gpu: GPU, setup: Setup) -> list[Phase]:
    """All phases of a step, in order; each as (terms, low, high) in bytes for one GPU."""
    context = Term("CUDA contexts, NCCL, fragmentation", CONTEXT[0] / 2, CONTEXT[1] / 2)  # vLLM's own is in its share
    generation = Phase("generation", (_vllm(gpu, setup), *_idle(model, setup), context))
    return [
        generation,
        _log_prob_phase(model, gpu, setup),
        *_update_phases(model, gpu, setup),
        _sync_phase(model, gpu, setup),
    ]


def peak(model: Architecture, gpu: GPU, setup: Setup) -> Phase:
    """The phase that needs most, at its upper end."""
    return max(phases(model, gpu, setup), key=lambda phase: phase.high)


def kv_tokens(model: Architecture, gpu: GPU, setup: Setup) -> tuple[float, float]:
    """Fewest and most tokens that a vLLM engine's KV cache holds; negative where the weights leave no room.

    Its share, less weights, activations of the profiling run (all batched tokens through one layer; fp32 logits of
    every sequence) and CUDA graphs (0.5 to 2 GiB: assumption).
    """
    parallel = setup.tensor_parallel
    weights = model.parameters * setup.rollout_bytes / parallel
    profile = setup.batched_tokens * 2 * (2 * model.intermediate / parallel + 4 * model.hidden)
    profile += setup.max_sequences * model.vocab * 4
    per_token = model.key_value_width * setup.rollout_bytes / parallel
    room = gpu.memory * setup.vllm_share - weights
    return (room - 2 * profile - 2 * GIB) / per_token, (room - profile - 0.5 * GIB) / per_token
