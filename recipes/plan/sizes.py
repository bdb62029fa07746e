"""The numbers of a composed training config that memory and time depend on."""

from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from recipes.common import attention
from recipes.common.errors import UserError
from recipes.config import hardware
from recipes.inputs.architecture import Architecture

_BYTES = {"fp32": 4, "float32": 4, "float": 4, "bf16": 2, "bfloat16": 2, "fp16": 2, "float16": 2, "half": 2, "auto": 2}
PROMPT_TOKENS = 150  # mean of a problem with its template: an assumption


@dataclass(frozen=True)
class Workload:
    """A training, as far as it needs memory and time. Token limits are those of one GPU.

    Attributes:
        nodes, gpus_per_node: of the trainer.
        prompts, samples, mini_batch: prompts per rollout batch, responses per prompt, prompts per update.
        steps, epochs: rollout steps (one batch of responses each), and passes over each batch.
        prompt_limit, response_limit: tokens.
        update_tokens, log_prob_tokens: that a GPU holds in one micro-batch.
        ulysses, fsdp_size: GPUs that share a sequence; over which FSDP splits the parameters, -1 for all of them.
        master_bytes, compute_bytes, rollout_bytes: of a number in FSDP's shards, in the forward pass, in vLLM.
        param_offload, optimizer_offload: to the CPU while vLLM generates.
        offload_policy: FSDP2's own: parameters, gradients and moments always on the CPU.
        reshard: whether a layer's gathered parameters go after its forward pass.
        reduces_once: whether gradients are reduced once per mini-batch instead of once per micro-batch.
        checkpointing, activation_offload: of activations.
        fused_logits: log-probs without the logits of all tokens.
        entropy_in_update, entropy_chunk: chunk in tokens; 0 for all at once.
        entropy_checkpointing: whether the entropy's backward recomputes it.
        scaled_logits: whether temperature ≠ 1 makes a copy.
        tensor_parallel, vllm_share, max_sequences, batched_tokens: of a vLLM engine.
        sleeps: whether vLLM frees its memory for the trainer.
        bucket: bytes of the buffer through which weights go to vLLM.
        rollout_gpus: that only generate, besides the trainer's; 0 for a synchronous trainer.
        seed: of the simulated lengths.
        attention: transformers' name; flash-attn also brings the kernel for log-probs.
        attention_assumed: whether it is the one that `attention=auto` takes where flash-attn is installed.
        drops_prompts: whether some are generated that nothing is learnt from (`sampling=dynamic`).
        generated_per_kept: prompts generated for each one that is learnt from: an assumption.
        rollout_anchor: whether vLLM's log-probs are the old ones, so that no pass is made for them.
        lora_rank: of the adapter that is trained instead of all weights; 0 for none.
    """

    nodes: int
    gpus_per_node: int
    prompts: int
    samples: int
    mini_batch: int
    steps: int
    epochs: int
    prompt_limit: int
    response_limit: int
    update_tokens: int
    log_prob_tokens: int
    ulysses: int
    fsdp_size: int
    master_bytes: int
    compute_bytes: int
    rollout_bytes: int
    param_offload: bool
    optimizer_offload: bool
    offload_policy: bool
    reshard: bool
    checkpointing: bool
    activation_offload: bool
    fused_logits: bool
    entropy_in_update: bool
    entropy_chunk: int
    entropy_checkpointing: bool
    scaled_logits: bool
    tensor_parallel: int
    vllm_share: float
    max_sequences: int
    batched_tokens: int
    sleeps: bool
    bucket: int
    rollout_gpus: int
    seed: int
    attention: str = attention.FLASH
    attention_assumed: bool = False
    reduces_once: bool = False
    drops_prompts: bool = False
    generated_per_kept: float = 1.0
    rollout_anchor: bool = False
    lora_rank: int = 0

    def __post_init__(self) -> None:
        if self.gpus % self.ulysses or self.gpus % self.tensor_parallel:
            raise UserError(
                f"{self.gpus} GPUs (trainer.nnodes × trainer.n_gpus_per_node) can't be split into groups of "
                f"actor.ulysses_sequence_parallel_size={self.ulysses} and rollout.tensor_model_parallel_size="
                f"{self.tensor_parallel}. Write sizes that divide {self.gpus}."
            )

    @property
    def gpus(self) -> int:
        """Of the trainer, in all."""
        return self.nodes * self.gpus_per_node

    @property
    def shards(self) -> int:
        """GPUs over which FSDP splits the parameters; further GPUs hold copies of them."""
        return min(self.fsdp_size, self.gpus) if self.fsdp_size > 0 else self.gpus

    @property
    def responses(self) -> int:
        """Per rollout batch, that are learnt from."""
        return self.prompts * self.samples

    def trained(self, model: Architecture) -> int:
        """Parameters that have gradients and moments: the adapter's, or all."""
        return model.trained(self.lora_rank)

    def kept(self, model: Architecture) -> int:
        """Parameters in FSDP's shards: the model's, and an adapter's."""
        return model.parameters + model.adapter(self.lora_rank)

    @property
    def generated(self) -> int:
        """Responses per rollout batch, with those that are dropped."""
        return round(self.responses * self.generated_per_kept)

    @property
    def updates(self) -> int:
        """Gradient steps per rollout step: mini-batches, and passes over them."""
        return max(1, self.prompts // self.mini_batch) * self.epochs

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        return self.prompt_limit + self.response_limit

    @property
    def fewest_tokens(self) -> int:
        """The least token limit per GPU: verl refuses one that a sequence, split by Ulysses, does not fit into."""
        return -(-self.longest // self.ulysses)

    @property
    def mean_prompt(self) -> int:
        """Tokens."""
        return min(PROMPT_TOKENS, self.prompt_limit)


def _bytes(key: str, dtype: str) -> int:
    if str(dtype) not in _BYTES:
        raise UserError(f"{key}={dtype}: write one of {', '.join(_BYTES)}.")
    return _BYTES[str(dtype)]


def _tokens(config: DictConfig, dynamic: bool, limit_key: str, size_key: str) -> int:
    """Of a micro-batch on one GPU: the limit, or so many whole sequences, padded to the longest."""
    given: int = OmegaConf.select(config.actor_rollout_ref, limit_key if dynamic else size_key)
    return given if dynamic else given * (config.data.max_prompt_length + config.data.max_response_length)


def of(config: DictConfig) -> Workload:
    """The workload of a resolved config that a training would take (recipes.checks.planned).

    Raises:
        UserError: with the key and what to write.
    """
    actor, rollout, model = (config.actor_rollout_ref[name] for name in ("actor", "rollout", "model"))
    fsdp = actor.fsdp_config
    precision = fsdp.get("mixed_precision") or {}
    return Workload(
        nodes=config.trainer.nnodes,
        gpus_per_node=config.trainer.n_gpus_per_node,
        prompts=config.data.train_batch_size,
        samples=rollout.n,
        mini_batch=actor.ppo_mini_batch_size,
        steps=config.trainer.total_training_steps,
        epochs=actor.ppo_epochs,
        prompt_limit=config.data.max_prompt_length,
        response_limit=config.data.max_response_length,
        update_tokens=_tokens(
            config, actor.use_dynamic_bsz, "actor.ppo_max_token_len_per_gpu", "actor.ppo_micro_batch_size_per_gpu"
        ),
        log_prob_tokens=_tokens(
            config,
            rollout.log_prob_use_dynamic_bsz,
            "rollout.log_prob_max_token_len_per_gpu",
            "rollout.log_prob_micro_batch_size_per_gpu",
        ),
        ulysses=actor.ulysses_sequence_parallel_size,
        fsdp_size=fsdp.fsdp_size,
        master_bytes=_bytes("actor_rollout_ref.actor.fsdp_config.model_dtype", fsdp.model_dtype),
        compute_bytes=_bytes("mixed_precision.param_dtype", precision.get("param_dtype", "bf16")),
        rollout_bytes=_bytes("actor_rollout_ref.rollout.dtype", rollout.dtype),
        param_offload=fsdp.param_offload and not fsdp.offload_policy,
        optimizer_offload=fsdp.optimizer_offload and not fsdp.offload_policy,
        offload_policy=fsdp.offload_policy,
        reshard=fsdp.reshard_after_forward,
        checkpointing=model.enable_gradient_checkpointing,
        activation_offload=model.enable_activation_offload,
        fused_logits=model.use_fused_kernels,
        entropy_in_update=actor.calculate_entropy or actor.entropy_coeff != 0,
        entropy_chunk=fsdp.entropy_from_logits_chunk_size if fsdp.entropy_from_logits_with_chunking else 0,
        entropy_checkpointing=fsdp.entropy_checkpointing,
        scaled_logits=rollout.temperature != 1,
        tensor_parallel=rollout.tensor_model_parallel_size,
        vllm_share=rollout.gpu_memory_utilization,
        max_sequences=rollout.max_num_seqs,
        batched_tokens=rollout.max_num_batched_tokens,
        sleeps=rollout.free_cache_engine,
        bucket=rollout.checkpoint_engine.update_weights_bucket_megabytes * 2**20,
        rollout_gpus=hardware.rollout_gpus(config),
        seed=config.seed,
        # What is installed where the plan is made says nothing about the GPUs.
        attention=attention.FLASH if config.get("attention") == "auto" else attention.of(config),
        attention_assumed=config.get("attention") == "auto",
        reduces_once=fsdp.use_no_sync_for_gradient_accumulation,
        drops_prompts=config.algorithm.filter_groups.enable,
        rollout_anchor=bool((config.algorithm.rollout_correction or {}).get("bypass_mode", False)),
        lora_rank=model.lora_rank,
    )
