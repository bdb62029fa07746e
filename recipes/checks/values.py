"""Values that no training can mean, one at a time: a table of keys, what they may be, and what to write instead."""

from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common import attention, precision
from recipes.common.numbers import is_integer, is_number
from recipes.common.rules import Rule, flag, is_text, name, one_of, or_null, real, whole
from recipes.runs import dumps

ACTOR, ROLLOUT, MODEL = (f"actor_rollout_ref.{name}" for name in ("actor", "rollout", "model"))
OPTIMISER, ENGINE, VALIDATION = f"{ACTOR}.optim", f"{ACTOR}.fsdp_config", f"{ROLLOUT}.val_kwargs"
SAMPLER, SEPARATE = "trainer.v1.sampler", "trainer.v1.separate_async"
SEEDS = 2**32  # NumPy's and vLLM's


def _are_files(value: Any) -> bool:
    return is_text(value) or (isinstance(value, list) and bool(value) and all(map(is_text, value)))


def _are_betas(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_number(beta) and 0 <= beta < 1 for beta in value)


def _is_band(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and 0 <= value[0] < value[1] <= 1


_KL = ("kl", "k1", "abs", "mse", "k2", "low_var_kl", "k3")
KL_ESTIMATORS = (*_KL, *(f"{name}+" for name in _KL))  # with +: straight-through gradient of k2
DTYPES = ("bfloat16", "bf16", "float16", "fp16", "float32", "fp32")
CHECKPOINT_PARTS = ("model", "optimizer", "extra", "hf_model")

# What an evaluation reads too: where it goes, the machine, vLLM's engines.
SHARED = (
    Rule("output_root", is_text, "a folder", "outputs"),
    or_null(one_of("attention", attention.CHOICES, "auto")),  # null: a preset of one's own that names it elsewhere
    or_null(one_of("precision", precision.NAMES, "bf16")),
    one_of("hardware.device", ("cpu", "cuda"), "cuda"),
    whole("trainer.nnodes", 1, 1),
    whole("trainer.n_gpus_per_node", 1, 1),
    real(f"{ROLLOUT}.gpu_memory_utilization", "(0, 1]", 0.6),
    one_of(f"{ROLLOUT}.name", ("vllm",), "vllm"),
    one_of(f"{ROLLOUT}.mode", ("async",), "async"),
    one_of(f"{ROLLOUT}.dtype", ("auto", "half", "float16", "bfloat16", "float", "float32"), "bfloat16"),
    whole(f"{ROLLOUT}.tensor_model_parallel_size", 1, 1),
    whole(f"{ROLLOUT}.data_parallel_size", 1, 1, 1),  # vLLM's own, for experts; a dense model has engines instead
    whole(f"{ROLLOUT}.pipeline_model_parallel_size", 1, 1, 1),
    whole(f"{ROLLOUT}.max_num_seqs", 1, 256),
    whole(f"{ROLLOUT}.max_num_batched_tokens", 1, 16384),
    Rule(f"{MODEL}.path", is_text, "a folder or a hub id", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"),
)

RULES = (
    *SHARED,
    # the whole run
    whole("seed", 0, 0, SEEDS - 1),
    flag("dry_run", "true"),
    Rule("run_dir", is_text, "a folder", "/path/to/a/folder/of/its/own"),
    one_of("model_engine", ("dp",), "dp"),
    whole("trainer.total_training_steps", 1, 300),
    whole("trainer.total_epochs", 1, 1000),
    whole("trainer.save_freq", -1, 20),
    whole("trainer.test_freq", -1, 20),
    or_null(whole("trainer.max_actor_ckpt_to_keep", 1, 2)),
    whole("trainer.log_val_generations", 0, 0),
    whole("trainer.critic_warmup", 0, 0),
    flag("trainer.val_before_train", "true"),
    Rule(
        "trainer.del_local_ckpt_after_load",
        lambda value: not value,
        "false (it deletes what a run goes on from)",
        "false",
    ),
    Rule("trainer.val_only", lambda value: value is False, "false (recipes.evaluate validates alone)", "false"),
    flag("trainer.balance_batch", "true"),
    name("trainer.project_name", "train"),
    name("trainer.experiment_name", "my-run"),
    real("trainer.v1.rlvr.poll_interval", "(0, inf)", 0.2),
    real("trainer.v1.rlvr.scorer_failure_limit", "(0, 1]", 0.2),  # a share; 1 never stops
    whole("trainer.v1.rlvr.skipped_update_limit", 0, 8),  # 0 stops at the first
    flag("trainer.v1.rlvr.check_weights", "true"),
    real("trainer.v1.rlvr.generation_limit", "(1, inf)", 10.0),
    # which prompts are drawn, and how long responses may wait
    or_null(whole(f"{SAMPLER}.max_off_policy_threshold", 1, 8)),
    one_of(f"{SAMPLER}.max_off_policy_strategy", ("drop", "wait"), "drop"),
    flag(f"{SAMPLER}.sync_refill_failed_groups", "false"),
    whole("algorithm.filter_groups.max_inflight_gen_batches", 1, 1),
    real(f"{SEPARATE}.num_warmup_batches", "[0, inf)", 1),
    real(f"{SEPARATE}.hybrid_rollout.switch_threshold_ratio", "(0, 1]", 0.4),
    whole(f"{SEPARATE}.hybrid_rollout.switch_cost_window_size", 1, 3),
    # what is written down of the responses
    one_of("dumps.keep", dumps.KEEP, dumps.SAMPLE),
    whole("dumps.most", 1, 1024),
    flag("dumps.compress", "true"),
    Rule("trainer.v1.rlvr.keep_right_share", _is_band, "two numbers, 0 <= low < high <= 1", "[0.1,0.9]"),
    # data
    Rule("data.train_files", _are_files, "a parquet file, or a list of them", "/path/to/train.parquet"),
    Rule("data.val_files", _are_files, "a parquet file, or a list of them", "/path/to/validation.parquet"),
    whole("data.train_batch_size", 1, 512),
    whole("data.max_prompt_length", 1, 1024),
    whole("data.max_response_length", 1, 8192),
    or_null(whole("data.gen_batch_size", 1, 1)),
    or_null(whole("data.val_batch_size", 1, 1)),
    whole("data.dataloader_num_workers", 0, 0),
    or_null(whole("data.filter_overlong_prompts_workers", 1, 1)),
    Rule("data.train_max_samples", lambda n: is_integer(n) and (n == -1 or n > 0), "-1 (all) or an integer >= 1", -1),
    Rule("data.val_max_samples", lambda n: is_integer(n) and (n == -1 or n > 0), "-1 (all) or an integer >= 1", -1),
    one_of("data.truncation", ("error", "left", "right", "middle"), "error"),
    flag("data.shuffle", "true"),
    flag("data.filter_overlong_prompts", "true"),
    # the optimiser
    Rule(f"{OPTIMISER}.optimizer", is_text, "the name of a class", "AdamW"),
    Rule(f"{OPTIMISER}.optimizer_impl", is_text, "a module", "torch.optim"),
    real(f"{OPTIMISER}.lr", "(0, 1)", 1e-6),
    real(f"{OPTIMISER}.weight_decay", "[0, 1)", 0.01),
    Rule(f"{OPTIMISER}.betas", _are_betas, "two numbers in [0, 1)", "[0.9,0.999]"),
    real(f"{OPTIMISER}.clip_grad", "(0, inf)", 1.0),
    whole(f"{OPTIMISER}.lr_warmup_steps", -1, 10),
    real(f"{OPTIMISER}.lr_warmup_steps_ratio", "[0, 1)", 0.0),
    or_null(real(f"{OPTIMISER}.min_lr_ratio", "[0, 1]", 0.0)),
    one_of(f"{OPTIMISER}.lr_scheduler_type", ("constant", "cosine"), "constant"),
    # the update
    whole(f"{ACTOR}.ppo_mini_batch_size", 1, 32),
    whole(f"{ACTOR}.ppo_epochs", 1, 1),
    real(f"{ACTOR}.entropy_coeff", "[0, inf)", 0),
    real(f"{ACTOR}.kl_loss_coef", "[0, inf)", 0.001),
    one_of(f"{ACTOR}.kl_loss_type", KL_ESTIMATORS, "low_var_kl"),
    one_of("algorithm.kl_penalty", KL_ESTIMATORS, "kl"),
    one_of("algorithm.kl_ctrl.type", ("fixed", "adaptive"), "fixed"),
    real("algorithm.kl_ctrl.kl_coef", "[0, inf)", 0.001),
    real("algorithm.kl_ctrl.horizon", "(0, inf)", 10000),
    real("algorithm.gamma", "[0, 1]", 1.0),
    real("algorithm.lam", "[0, 1]", 1.0),
    one_of(f"{ACTOR}.strategy", ("fsdp", "fsdp2"), "fsdp2"),
    one_of(f"{ENGINE}.model_dtype", DTYPES, "float32"),
    one_of(f"{ENGINE}.dtype", DTYPES, "bfloat16"),
    whole(f"{ACTOR}.ulysses_sequence_parallel_size", 1, 1),
    whole(f"{ACTOR}.ppo_max_token_len_per_gpu", 1, 16384),
    Rule(
        f"{ACTOR}.checkpoint.save_contents",
        lambda parts: isinstance(parts, list) and bool(parts) and set(parts) <= set(CHECKPOINT_PARTS),
        f"a list of {', '.join(CHECKPOINT_PARTS)}",
        f"[{','.join(CHECKPOINT_PARTS)}]",
    ),
    # generation
    whole(f"{ROLLOUT}.n", 1, 16),
    real(f"{ROLLOUT}.temperature", "(0, 2]", 1.0),  # training at temperature 0 draws a group of equal responses
    real(f"{ROLLOUT}.top_p", "(0, 1]", 1.0),
    whole(f"{ROLLOUT}.top_k", -1, -1),
    whole(f"{VALIDATION}.n", 1, 4),
    real(f"{VALIDATION}.temperature", "[0, 2]", 1.0),
    real(f"{VALIDATION}.top_p", "(0, 1]", 1.0),
    whole(f"{VALIDATION}.top_k", -1, -1),
    one_of(f"{ROLLOUT}.load_format", ("dummy", "auto", "hf", "safetensors", "fastsafetensors", "pt"), "dummy"),
    one_of(
        f"{ROLLOUT}.logprobs_mode",
        ("raw_logits", "raw_logprobs", "processed_logits", "processed_logprobs"),
        "processed_logprobs",
    ),
    whole(f"{ROLLOUT}.log_prob_max_token_len_per_gpu", 1, 16384),
    whole(f"{ROLLOUT}.agent.num_workers", 1, 8),
    whole(f"{ROLLOUT}.checkpoint_engine.update_weights_bucket_megabytes", 1, 2048),
    # model, reward, transport
    whole(f"{MODEL}.lora_rank", 0, 0),
    whole(f"{MODEL}.lora_alpha", 1, 32),
    whole(f"{MODEL}.lora.rank", 0, 0),
    flag(f"{MODEL}.lora.merge", "true"),
    whole("reward.num_workers", 1, 8),
    whole("transfer_queue.backend.SimpleStorage.num_data_storage_units", 1, 8),
)


def check_values(config: DictConfig, rules: Iterable[Rule] = RULES) -> None:
    """Every rule of the table holds.

    Args:
        config: resolved.
        rules: the table.

    Raises:
        UserError: names the key, the rule and a value that works.
    """
    for rule in rules:
        rule.check(config)


def check_given(config: DictConfig) -> None:
    """Every rule of the table holds of what was written, wherever it is not reckoned from other keys.

    Args:
        config: not resolved.

    Raises:
        UserError: as `check_values`; of a value with which others can't be reckoned, too.
    """
    for rule in RULES:
        section, _, name = rule.key.rpartition(".")
        holder = OmegaConf.select(config, section) if section else config
        if holder is not None and name in holder and not OmegaConf.is_interpolation(holder, name):
            rule.check(config)
