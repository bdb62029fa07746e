"""Sizes that verl would pad, truncate or trip over an hour later, checked from the config alone."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.checks.trainer_mode import is_separate
from recipes.common.errors import UserError
from recipes.common.numbers import is_number

CPU_HEAD_SIZES = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)  # vllm/v1/attention/backends/cpu_attn.py
STRETCHED = ("yarn", "linear", "dynamic")  # of rotary embeddings whose factor vLLM multiplies the positions by


def check_sizes(config: DictConfig) -> None:
    """All of a training that its config alone says.

    Raises:
        UserError: names the key and what to write.
    """
    check_batch_sizes(config)
    check_lengths(config)
    check_clip_widths(config)


def check_batch_sizes(config: DictConfig) -> None:
    """Batch, mini-batch and micro-batch sizes against each other and the number of devices."""
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    batch, mini, devices = config.data.train_batch_size, actor.ppo_mini_batch_size, _devices(config)
    if batch % mini:
        fit = _largest_divisor(batch, mini)
        raise UserError(
            f"data.train_batch_size={batch} is not a multiple of actor_rollout_ref.actor.ppo_mini_batch_size={mini} "
            f"(both in prompts). Write actor_rollout_ref.actor.ppo_mini_batch_size={fit}, or another divisor."
        )
    _check_draws(config)
    if mini * rollout.n % devices:
        raise UserError(
            f"A mini-batch holds ppo_mini_batch_size × rollout.n = {mini * rollout.n} responses, "
            f"which {devices} devices (trainer.nnodes × trainer.n_gpus_per_node) can't share evenly. Write "
            f"actor_rollout_ref.actor.ppo_mini_batch_size={-(-mini // devices) * devices}."
        )
    if actor.use_dynamic_bsz != rollout.log_prob_use_dynamic_bsz:
        raise UserError(
            f"actor_rollout_ref.actor.use_dynamic_bsz={actor.use_dynamic_bsz} and "
            f"actor_rollout_ref.rollout.log_prob_use_dynamic_bsz={rollout.log_prob_use_dynamic_bsz} must be equal. "
            "Write actor_rollout_ref.actor.use_dynamic_bsz alone; the other follows."
        )
    for section, name in (("actor", "ppo_micro_batch_size"), ("rollout", "log_prob_micro_batch_size")):
        key, value = f"actor_rollout_ref.{section}.{name}", config.actor_rollout_ref[section][name]
        if value is not None:
            raise UserError(f"{key}={value}: verl's old name, of all devices together. Write {key}_per_gpu=<size>.")
    if not actor.use_dynamic_bsz:
        _check_micro_batch(
            "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu",
            actor.ppo_micro_batch_size_per_gpu,
            mini * rollout.n // devices,
            "mini-batch",
        )
        # separate_async takes a step update by update, its pass for π_old too.
        prompts, of = (mini, "mini-batch") if is_separate(config) else (batch, "rollout batch")
        _check_micro_batch(
            "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu",
            rollout.log_prob_micro_batch_size_per_gpu,
            prompts * rollout.n // devices,
            of,
        )


def _check_draws(config: DictConfig) -> None:
    """verl draws whole shares of a batch; single prompts, whatever is written, where it may have to replace some."""
    batch, share = config.data.train_batch_size, config.data.get("gen_batch_size") or config.data.train_batch_size
    if batch % share:
        raise UserError(
            f"data.gen_batch_size={share} does not divide data.train_batch_size={batch}. Write data.gen_batch_size="
            f"{_largest_divisor(batch, share)}, or leave it out."
        )
    reasons = {
        "trainer_mode=separate_async": is_separate(config),
        "sampling=dynamic": config.algorithm.filter_groups.enable,
        "trainer.v1.sampler.sync_refill_failed_groups=true": config.trainer.v1.sampler.sync_refill_failed_groups,
    }
    singly = [word for word, holds in reasons.items() if holds]
    if singly and share not in (1, batch):
        raise UserError(
            f"data.gen_batch_size={share} would have no effect: with {singly[0]} verl draws prompt by prompt. Leave it "
            "out."
        )


def _largest_divisor(number: int, at_most: int) -> int:
    """The largest divisor of `number` that is not above `at_most`: the nearest size that works."""
    return max(size for size in range(1, min(number, at_most) + 1) if number % size == 0)


def _check_micro_batch(key: str, micro: Any, per_device: int, of: str) -> None:
    if not isinstance(micro, int) or micro < 1:
        shown = "null" if micro is None else micro
        raise UserError(
            f"{key}={shown}: must be an integer >= 1 (responses per forward and backward pass). Write {key}="
            f"{_largest_divisor(per_device, 16)}."
        )
    if per_device % micro:
        fit = _largest_divisor(per_device, micro)
        raise UserError(
            f"{key}={micro} does not divide the {per_device} responses that each device gets of a {of}. "
            f"Write {key}={fit}."
        )


def check_lengths(config: DictConfig) -> None:
    """Token limits and parallel sizes that would only fail inside a worker."""
    actor, rollout, devices = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout, _devices(config)
    longest = config.data.max_prompt_length + config.data.max_response_length
    split = actor.ulysses_sequence_parallel_size
    sizes = {
        "actor_rollout_ref.rollout.tensor_model_parallel_size": rollout.tensor_model_parallel_size,
        "actor_rollout_ref.actor.ulysses_sequence_parallel_size": split,
    }
    for key, size in sizes.items():
        _check_devices(key, size, devices)
    shards = actor.fsdp_config.fsdp_size
    if shards != -1 and (shards < 1 or devices % shards):
        key = "actor_rollout_ref.actor.fsdp_config.fsdp_size"
        raise UserError(f"{key}={shards}: must be -1 (all) or divide the {devices} devices. Write {key}=-1.")
    limits = {
        "actor_rollout_ref.actor.ppo_max_token_len_per_gpu": actor.ppo_max_token_len_per_gpu,
        "actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu": rollout.log_prob_max_token_len_per_gpu,
    }
    for key, limit in limits.items() if actor.use_dynamic_bsz else ():
        if limit * split < longest:
            raise UserError(
                f"{key}={limit} × ulysses_sequence_parallel_size={split} can't hold one sequence of {longest} tokens "
                f"(data.max_prompt_length + data.max_response_length). Write {key}={-(-longest // split)}."
            )
    if rollout.max_model_len is not None and rollout.max_model_len < longest:
        raise UserError(
            f"actor_rollout_ref.rollout.max_model_len={rollout.max_model_len} is less than data.max_prompt_length + "
            f"data.max_response_length = {longest}. Write actor_rollout_ref.rollout.max_model_len={longest}."
        )


def check_model(config: DictConfig, architecture: Mapping[str, Any]) -> None:
    """Lengths and parallel sizes against the model's own config.json.

    Args:
        config: resolved and checked.
        architecture: config.json of the model; what it does not state is not checked.
    """
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    path, lengths = config.actor_rollout_ref.model.path, ("data.max_prompt_length", "data.max_response_length")
    _check_context(config, lengths, rollout.max_model_len or 0, architecture)
    _check_head_size(config, architecture)
    _check_fused_kernels(config, architecture)
    splits = {
        "actor_rollout_ref.rollout.tensor_model_parallel_size": rollout.tensor_model_parallel_size,
        "actor_rollout_ref.actor.ulysses_sequence_parallel_size": actor.ulysses_sequence_parallel_size,
    }
    for key, size in splits.items():
        _check_heads(key, size, architecture, path)


def check_engines(config: DictConfig, architecture: Mapping[str, Any]) -> None:
    """vLLM's engines where nothing trains: lengths, and tensor parallelism against the devices and the model's heads.

    Args:
        config: resolved; of an evaluation.
        architecture: config.json of the model.
    """
    key, section = "actor_rollout_ref.rollout.tensor_model_parallel_size", config.actor_rollout_ref
    size = section.rollout.tensor_model_parallel_size
    _check_devices(key, size, _devices(config))
    _check_heads(key, size, architecture, section.model.path)
    lengths = ("eval.max_prompt_tokens", "eval.max_response_tokens")
    _check_context(config, lengths, config.eval.max_prompt_tokens + config.eval.max_response_tokens, architecture)
    _check_head_size(config, architecture)


def _check_devices(key: str, size: int, devices: int) -> None:
    if devices % size:
        raise UserError(
            f"{key}={size} does not divide the {devices} devices (nnodes × n_gpus_per_node). Write {key}=1."
        )


def _check_context(config: DictConfig, keys: tuple[str, str], wanted: int, architecture: Mapping[str, Any]) -> None:
    """Whether a prompt and its response fit; `keys` are those of their lengths, and the cure keeps one if it can."""
    context = _context(architecture)
    if context is None or wanted <= context:
        return
    prompt, response = (context - OmegaConf.select(config, key) for key in reversed(keys))
    if response > 0:
        fit = {keys[1]: response}
    elif prompt > 0:
        fit = {keys[0]: prompt}
    else:
        fit = {keys[0]: context // 4, keys[1]: context - context // 4}
    raise UserError(
        f"{keys[0]} + {keys[1]} = {wanted}, but the model in {config.actor_rollout_ref.model.path} has "
        f"max_position_embeddings={context}. Write {' '.join(f'{key}={size}' for key, size in fit.items())} or less."
    )


def _context(architecture: Mapping[str, Any]) -> int | None:
    """Positions of a model, those that its rotary embedding is stretched to included, as vLLM reckons them."""
    positions = architecture.get("max_position_embeddings")
    stretched = architecture.get("rope_scaling") or architecture.get("rope_parameters") or {}
    kind, factor = stretched.get("rope_type", stretched.get("type")), stretched.get("factor")
    if positions is None or not factor or kind not in STRETCHED:
        return positions
    first = stretched.get("original_max_position_embeddings", positions) if kind == "yarn" else positions
    return max(positions, int(first * factor))


def _check_head_size(config: DictConfig, architecture: Mapping[str, Any]) -> None:
    """vLLM's attention on a CPU is compiled for some sizes, and says so in the middle of the first batch."""
    heads, hidden = architecture.get("num_attention_heads"), architecture.get("hidden_size")
    size = architecture.get("head_dim") or (hidden // heads if hidden and heads else None)
    if config.hardware.device == "cpu" and size is not None and size not in CPU_HEAD_SIZES:
        raise UserError(
            f"The model in {config.actor_rollout_ref.model.path} has attention heads of size {size}, which vLLM can't "
            f"compute on a CPU. Choose a model where hidden_size / num_attention_heads (head_dim) is one of "
            f"{', '.join(map(str, CPU_HEAD_SIZES))}, or write hardware=<a preset with GPUs>."
        )


def _check_heads(key: str, size: int, architecture: Mapping[str, Any], path: str) -> None:
    heads: int = architecture.get("num_attention_heads") or 0
    if heads and heads % size:
        raise UserError(
            f"{key}={size} does not divide the {heads} attention heads of the model in {path}. "
            f"Write {key}={_largest_divisor(heads, size)}."
        )


def _check_fused_kernels(config: DictConfig, architecture: Mapping[str, Any]) -> None:
    """FSDP2 shards an output layer of its own by itself, and verl's kernel multiplies with the shard (verl #7520)."""
    key, section = "actor_rollout_ref.model.use_fused_kernels", config.actor_rollout_ref
    untied = not architecture.get("tie_word_embeddings", False)
    if section.model.use_fused_kernels and section.actor.strategy == "fsdp2" and untied:
        raise UserError(
            f"{key}=true: the model in {section.model.path} has an output layer apart from its embeddings, which verl "
            f"0.9.1's kernel would read unsharded under FSDP2 and fail (verl #7520). Write {key}=false."
        )


def check_clip_widths(config: DictConfig) -> None:
    """The trust region [1 − ε_low, 1 + ε_high] and the dual clip c."""
    actor = config.actor_rollout_ref.actor
    rules = {
        "clip_ratio_low": (lambda value: 0 < value < 1, "between 0 and 1", 0.2),
        "clip_ratio_high": (lambda value: value > 0, "> 0", 0.2),
        "clip_ratio_c": (lambda value: value > 1, "> 1", 3.0),
    }
    for name, (holds, rule, default) in rules.items():
        value = actor[name]
        if not is_number(value) or not holds(value):
            key = f"actor_rollout_ref.actor.{name}"
            raise UserError(f"{key}={value}: must be a number {rule}. Write {key}={default}.")


def _devices(config: DictConfig) -> int:
    return config.trainer.n_gpus_per_node * config.trainer.nnodes
