"""A value that can't be meant: one message that names the key and says what to write, before Ray starts."""

import re
from pathlib import Path

import pytest
import torch
from override_keys import (
    ACTOR,
    CORRECTION,
    ENGINE,
    MODEL,
    OPTIM,
    PAPER,
    POLICY,
    REFERENCE,
    REWARD,
    ROLLOUT,
    SIZES,
    VALIDATION,
)

from recipes.checks import config as config_checks
from recipes.checks import environment, files, preflight, reading, run_folder, sections, sizes, values
from recipes.checks import hardware as hardware_checks
from recipes.checks.rows import Rows
from recipes.common import attention
from recipes.common.errors import UserError
from recipes.config import compose
from recipes.config.compose import _composed, resolved, untold

ROOT = Path(__file__).resolve().parents[2]
TRACKERS = sorted(file.stem for file in (ROOT / "configs" / "logging").glob("*.yaml") if file.stem != "default")


# overrides → words that the message must hold
REFUSED_CONFIGS = {
    "dgpo_n is zero": ([f"{POLICY}.dgpo_n=0"], ["dgpo_n=0", "integer >= 1", "dgpo_n=1"]),
    "dgpo_n is not whole": ([f"{POLICY}.dgpo_n=1.5"], ["dgpo_n=1.5", "integer >= 1"]),
    "dgpo_m is negative": ([f"{POLICY}.dgpo_m=-1"], ["dgpo_m=-1", "dgpo_m=2"]),
    "maspo_alpha is negative": (
        ["policy_loss=maspo", f"{POLICY}.maspo_alpha=-0.1"],
        ["maspo_alpha=-0.1", ">= 0", "0.3"],
    ),
    "maspo_sigma_base is zero": (["policy_loss=maspo", f"{POLICY}.maspo_sigma_base=0"], ["maspo_sigma_base", "> 0"]),
    "maspo_gate misspelt": (
        ["policy_loss=maspo", f"{POLICY}.maspo_gate=twosided"],
        ["maspo_gate='twosided'", "unilateral, bilateral", "maspo_gate=unilateral"],
    ),
    "risk clamps crossed": (
        ["policy_loss=maspo", f"{POLICY}.maspo_risk_high=0.01"],
        ["maspo_risk_high", "maspo_risk_low"],
    ),
    "loss_mode of another method": ([f"{POLICY}.loss_mode=vanilla"], ["loss_mode", "dgpo"]),
    "entropy not measured": (
        ["policy_loss=entropy_adv", f"{ACTOR}.calculate_entropy=false"],
        ["calculate_entropy=False", "entropy_adv", "calculate_entropy=true"],
    ),
    "entropy split without entropy": (
        ["policy_loss=aspo", f"{POLICY}.aspo_entropy_split=true"],
        ["aspo_entropy_split", "calculate_entropy=true"],
    ),
    "kappa that turns the sign": (["policy_loss=entropy_adv", f"{POLICY}.entropy_adv_kappa=1"], ["> 1", "=2.0"]),
    "bypass mode": (
        ["algorithm.rollout_correction.bypass_mode=true"],
        ["bypass_mode=true", "dgpo", "bypass_mode=false", "anchor=rollout"],
    ),
    "an anchor that is taken back": (
        ["anchor=rollout", "algorithm.rollout_correction.bypass_mode=false"],
        ["anchor=rollout", "bypass_mode=false", "anchor=method"],
    ),
    "an anchor and a correction": (
        ["anchor=rollout", "rollout_correction=token_tis"],
        ["rollout_is=token", "rollout_correction=none"],
    ),
    "an anchor without log-probs": (
        ["anchor=rollout", "actor_rollout_ref.rollout.calculate_log_probs=false"],
        ["calculate_log_probs=true"],
    ),
    "an anchor that was not sampled from": (
        ["anchor=rollout", "actor_rollout_ref.rollout.logprobs_mode=raw_logprobs"],
        ["logprobs_mode=raw_logprobs", "logprobs_mode=processed_logprobs"],
    ),
    "bypass mode without log-probs": (
        ["policy_loss=dppo_tv", "actor_rollout_ref.rollout.calculate_log_probs=false"],
        ["calculate_log_probs=true"],
    ),
    "bypass loss": ([f"{POLICY}.loss_mode=bypass_mode"], ["loss_mode", "dgpo"]),
    "bapo bounds out of order": (["policy_loss=bapo", f"{POLICY}.bapo_low_end=0.5"], ["bapo_low_end=0.5", "0.6"]),
    "bapo upper bounds out of order": (["policy_loss=bapo", f"{POLICY}.bapo_high_end=1.1"], ["bapo_high_end", "1.2"]),
    "bapo statistic": (["policy_loss=bapo", f"{POLICY}.bapo_statistic=mean"], ["literal, active"]),
    "trainer that hands over too little": (
        ["policy_loss=bapo", "trainer.v1.trainer_mode=sync"],
        ["trainer_mode=sync", "bapo", "trainer_mode=rlvr"],
    ),
    "sapo with another aggregation": (
        ["policy_loss=sapo", f"{ACTOR}.loss_agg_mode=token-mean"],
        ["loss_agg_mode", "seq-mean-token-mean"],
    ),
    "unknown estimator": (["algorithm.adv_estimator=gpro"], ["adv_estimator=gpro", "grpo"]),
    "norm by padded width": (
        ["policy_loss=dr_grpo", f"{ACTOR}.loss_scale_factor=null"],
        ["loss_scale_factor=null", "loss_scale_factor="],
    ),
    "dual clip is a word": ([f"{POLICY}.dual_clip=perhaps"], ["dual_clip", "true or false"]),
    "clip width above one": ([f"{ACTOR}.clip_ratio_low=1.2"], ["clip_ratio_low=1.2", "between 0 and 1"]),
    "clip width is text": ([f"{ACTOR}.clip_ratio_high=wide"], ["clip_ratio_high", "number"]),
    "mini-batch does not divide": (
        [f"{ACTOR}.ppo_mini_batch_size=24"],
        ["train_batch_size=64", "ppo_mini_batch_size=16"],
    ),
    "mini-batch above batch": ([f"{ACTOR}.ppo_mini_batch_size=128"], ["ppo_mini_batch_size=128", "64"]),
    "micro-batch does not divide": (
        [f"{ACTOR}.ppo_micro_batch_size_per_gpu=48"],
        ["ppo_micro_batch_size_per_gpu=48", "=32"],
    ),
    "devices don't share": (["trainer.n_gpus_per_node=3"], ["share evenly", "ppo_mini_batch_size"]),
    "no samples": (["actor_rollout_ref.rollout.n=0"], ["rollout.n=0"]),
    "no steps": (["trainer.total_training_steps=null"], ["total_training_steps"]),
    "log-prob micro-batch": (
        ["actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=100"],
        ["=64", "rollout batch"],
    ),
    "sequence longer than the token limit": (
        ["hardware=8x80gb", "model=deepseek-r1-distill-qwen-7b", "data.max_response_length=40000"],
        ["ppo_max_token_len_per_gpu", "one sequence of"],
    ),
    "tensor parallel does not divide": (
        ["actor_rollout_ref.rollout.tensor_model_parallel_size=2"],
        ["tensor_model_parallel_size=2", "devices"],
    ),
    "engine context too short": (
        ["actor_rollout_ref.rollout.max_model_len=16"],
        ["max_model_len=16", "max_prompt_length"],
    ),
    "reward function misspelt": (
        ["reward.custom_reward_function.name=nope"],
        ["reward.custom_reward_function", "nope"],
    ),
    "no reward function": (["reward.custom_reward_function.path=null"], ["pkg://reward.verl_entry"]),
    "reward option misspelt": ([f"+{REWARD}.scal=plus_minus_one"], [f"{REWARD}.scal", "scale"]),
    "reward scale misspelt": ([f"+{REWARD}.scale=pm1"], [f"{REWARD}.scale='pm1'", "plus_minus_one"]),
    "format reward below zero": ([f"+{REWARD}.format_reward=-1"], [f"{REWARD}.format_reward=-1", ">= 0"]),
    "scoring deadline of nothing": ([f"+{REWARD}.deadline=0"], [f"{REWARD}.deadline=0", "deadline=5.0"]),
    "scoring processes without memory": ([f"+{REWARD}.memory_gib=0.1"], [f"{REWARD}.memory_gib=0.1", ">= 0.5"]),
    "failure limit in percent": (
        ["trainer.v1.rlvr.scorer_failure_limit=20"],
        ["scorer_failure_limit=20", "(0, 1]", "scorer_failure_limit=0.2"],
    ),
    "overlong shaping under a manager that does none": (
        ["reward_shaping=overlong", "reward.reward_manager.name=naive"],
        ["reward.reward_manager.name=naive", "reward_shaping=overlong"],
    ),
    "overlong buffer longer than a response": (
        ["reward_shaping=overlong", "reward.reward_kwargs.overlong_buffer_cfg.len=16"],
        ["overlong_buffer_cfg.len=16", "max_response_length=16"],
    ),
    "overlong shaping of another length": (
        ["reward_shaping=overlong", "reward.reward_kwargs.max_resp_len=1024"],
        ["max_resp_len=1024", "${data.max_response_length}"],
    ),
    "on_existing misspelt": (["on_existing=contine"], ["on_existing=contine", "restart"]),
    "resume mode": (["trainer.resume_mode=disable"], ["resume_mode", "on_existing=restart"]),
    "aggregation misspelt": ([f"{ACTOR}.loss_agg_mode=tokenmean"], ["loss_agg_mode"]),
}


@pytest.mark.parametrize("case", REFUSED_CONFIGS)
def test_config_is_refused(composed, case: str) -> None:
    overrides, words = REFUSED_CONFIGS[case]
    with pytest.raises(UserError) as error:
        config_checks.check_config(resolved(composed(*SIZES, *overrides)))
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("override", "word"),
    [("policy_loss=dgop", "dgop"), (f"{POLICY}.dgpo_nn=2", "dgpo_nn"), ("model=huge", "huge"), ("hardware=gpu", "gpu")],
)
def test_unknown_choices_and_keys_do_not_compose(composed, override: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        composed(override)


def test_a_misspelt_key_that_was_forced_in_is_refused(composed) -> None:
    with pytest.raises(UserError, match="dgpo_nn"):
        config_checks.check_config(resolved(composed(f"+{POLICY}.dgpo_nn=2")))


def test_a_gpu_preset_without_gpus(composed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError, match=r"n_gpus_per_node=8.*hardware=cpu"):
        hardware_checks.check_hardware(resolved(composed("hardware=8x80gb")))


def test_the_cpu_preset_in_a_gpu_environment(composed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERL_PLATFORM", raising=False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(UserError, match=r"hardware=cpu needs the CPU environment"):
        hardware_checks.check_hardware(resolved(composed()))


RUNTIME = "ray_kwargs.ray_init.runtime_env"
SEPARATE = ("trainer_mode=separate_async",)
# overrides, key that the message names, what it says to write
WRONG_VALUES = [
    # the optimiser
    ([f"{OPTIM}.lr=-1e-6"], f"{OPTIM}.lr=-1e-06", f"{OPTIM}.lr=1e-06"),
    ([f"{OPTIM}.lr=0"], f"{OPTIM}.lr=0", "number in (0, 1)"),
    ([f"{OPTIM}.lr=1"], f"{OPTIM}.lr=1", "number in (0, 1)"),
    ([f"{OPTIM}.lr='1e-6'"], f"{OPTIM}.lr='1e-6'", f"{OPTIM}.lr=1e-06"),
    ([f"{OPTIM}.lr=fast"], f"{OPTIM}.lr='fast'", f"{OPTIM}.lr=1e-06"),
    ([f"{OPTIM}.weight_decay=-0.1"], f"{OPTIM}.weight_decay=-0.1", f"{OPTIM}.weight_decay=0.01"),
    ([f"{OPTIM}.betas=[0.9,1.0]"], f"{OPTIM}.betas=[0.9, 1.0]", "[0.9,0.999]"),
    ([f"{OPTIM}.betas=[0.9]"], f"{OPTIM}.betas=[0.9]", "[0.9,0.999]"),
    ([f"{OPTIM}.clip_grad=0"], f"{OPTIM}.clip_grad=0", f"{OPTIM}.clip_grad=1.0"),
    ([f"{OPTIM}.lr_warmup_steps=30"], f"{OPTIM}.lr_warmup_steps=30", f"{OPTIM}.lr_warmup_steps=3"),
    ([f"{OPTIM}.lr_warmup_steps=null"], f"{OPTIM}.lr_warmup_steps=null", f"{OPTIM}.lr_warmup_steps=10"),
    ([f"{OPTIM}.lr_warmup_steps_ratio=10"], f"{OPTIM}.lr_warmup_steps_ratio=10", "[0, 1)"),
    ([f"{OPTIM}.lr_scheduler_type=linear"], f"{OPTIM}.lr_scheduler_type='linear'", "constant, cosine"),
    ([f"{OPTIM}.min_lr_ratio=2"], f"{OPTIM}.min_lr_ratio=2", "[0, 1]"),
    ([f"{OPTIM}.optimizer=AdamWW"], f"{OPTIM}.optimizer=AdamWW", f"{OPTIM}.optimizer=AdamW."),
    ([f"{OPTIM}.optimizer_impl=nowhere.optim"], f"{OPTIM}.optimizer_impl", f"{OPTIM}.optimizer_impl=torch.optim"),
    ([f"{OPTIM}.total_training_steps=100"], f"{OPTIM}.total_training_steps=100", "trainer.total_training_steps="),
    # the update
    ([f"{ACTOR}.ppo_epochs=0"], f"{ACTOR}.ppo_epochs=0", f"{ACTOR}.ppo_epochs=1"),
    ([f"{ACTOR}.ppo_epochs=1.5"], f"{ACTOR}.ppo_epochs=1.5", "integer >= 1"),
    ([f"{ACTOR}.entropy_coeff=-0.01"], f"{ACTOR}.entropy_coeff=-0.01", f"{ACTOR}.entropy_coeff=0"),
    ([f"{ACTOR}.clip_ratio=0.3"], f"{ACTOR}.clip_ratio=0.3", f"{ACTOR}.clip_ratio_low="),
    ([f"{ACTOR}.clip_ratio_low=-0.2"], f"{ACTOR}.clip_ratio_low=-0.2", f"{ACTOR}.clip_ratio_low=0.2"),
    ([f"{ACTOR}.grad_clip=0.5"], f"{ACTOR}.grad_clip=0.5", f"{OPTIM}.clip_grad="),
    ([f"{ACTOR}.use_dynamic_bsz=maybe"], f"{ACTOR}.use_dynamic_bsz='maybe'", "true or false"),
    ([f"{ACTOR}.use_torch_compile=1"], f"{ACTOR}.use_torch_compile=1", "true or false"),
    (
        [f"{ACTOR}.entropy_from_logits_with_chunking=true", f"{ENGINE}.use_torch_compile=true"],
        f"{ENGINE}.use_torch_compile=true",
        f"{ENGINE}.use_torch_compile=false",
    ),
    (["actor_rollout_ref.nccl_timeout=3600"], "actor_rollout_ref.nccl_timeout=3600", "nccl_timeout=600"),
    ([f"{ACTOR}.strategy=fsdp3"], f"{ACTOR}.strategy='fsdp3'", f"{ACTOR}.strategy=fsdp2"),
    ([f"{ACTOR}.strategy=megatron"], f"{ACTOR}.strategy=megatron is not supported", f"{ACTOR}.strategy=fsdp2"),
    (["model_engine=megatron"], "model_engine=megatron is not supported", "model_engine=dp"),
    ([f"{ACTOR}.ppo_micro_batch_size=8"], f"{ACTOR}.ppo_micro_batch_size=8", "ppo_micro_batch_size_per_gpu="),
    ([f"{ACTOR}.ppo_micro_batch_size_per_gpu=null"], f"{ACTOR}.ppo_micro_batch_size_per_gpu=null", "Write"),
    ([PAPER, f"{ACTOR}.ppo_max_token_len_per_gpu=8000"], f"{ACTOR}.ppo_max_token_len_per_gpu=8000", "=10240"),
    ([PAPER, f"{ACTOR}.ppo_max_token_len_per_gpu=null"], f"{ACTOR}.ppo_max_token_len_per_gpu=null", "=16384"),
    ([PAPER, f"{ROLLOUT}.log_prob_max_token_len_per_gpu=all"], f"{ROLLOUT}.log_prob_max_token_len_per_gpu", "integer"),
    ([PAPER, f"{ACTOR}.ulysses_sequence_parallel_size=3"], f"{ACTOR}.ulysses_sequence_parallel_size=3", "=1"),
    ([f"{ACTOR}.ulysses_sequence_parallel_size=0"], f"{ACTOR}.ulysses_sequence_parallel_size=0", "=1"),
    (
        [f"{ACTOR}.ulysses_sequence_parallel_size=2", "trainer.n_gpus_per_node=2"],
        f"{ACTOR}.ulysses_sequence_parallel_size=2",
        f"{MODEL}.use_remove_padding=true",
    ),
    ([f"{ENGINE}.model_dtype=float8"], f"{ENGINE}.model_dtype='float8'", f"{ENGINE}.model_dtype=float32"),
    ([PAPER, f"{ENGINE}.fsdp_size=3"], f"{ENGINE}.fsdp_size=3", f"{ENGINE}.fsdp_size=-1"),
    ([f"{ENGINE}.param_offload=ja"], f"{ENGINE}.param_offload='ja'", "true or false"),
    ([f"{ACTOR}.checkpoint.save_contents=[model,weights]"], f"{ACTOR}.checkpoint.save_contents", "hf_model"),
    # KL, advantages, corrections
    ([f"{ACTOR}.use_kl_loss=true"], f"{ACTOR}.use_kl_loss=true", f"{REFERENCE}.log_prob_micro_batch_size_per_gpu=64"),
    ([f"{ACTOR}.use_kl_loss=true", f"{ACTOR}.kl_loss_coef=0"], f"{ACTOR}.kl_loss_coef=0", "kl_loss_coef=0.001"),
    ([f"{ACTOR}.use_kl_loss=perhaps"], f"{ACTOR}.use_kl_loss='perhaps'", "true or false"),
    ([f"{ACTOR}.kl_loss_coef=-1"], f"{ACTOR}.kl_loss_coef=-1", f"{ACTOR}.kl_loss_coef=0.001"),
    ([f"{ACTOR}.kl_loss_type=k9"], f"{ACTOR}.kl_loss_type='k9'", f"{ACTOR}.kl_loss_type=low_var_kl"),
    (["algorithm.kl_penalty=klx"], "algorithm.kl_penalty='klx'", "algorithm.kl_penalty=kl"),
    (["algorithm.kl_ctrl.type=auto"], "algorithm.kl_ctrl.type='auto'", "fixed, adaptive"),
    (["algorithm.gamma=2"], "algorithm.gamma=2", "algorithm.gamma=1.0"),
    (["algorithm.norm_adv_by_std_in_grpo=2"], "algorithm.norm_adv_by_std_in_grpo=2", "true or false"),
    (["algorithm.adv_estimator=gae"], "algorithm.adv_estimator=gae", "algorithm.adv_estimator=grpo"),
    (["algorithm.use_pf_ppo=true"], "algorithm.use_pf_ppo=True", "algorithm.use_pf_ppo=false"),
    (
        ["algorithm.filter_groups.enable=true", "algorithm.filter_groups.metric=nope"],
        "algorithm.filter_groups.metric=nope",
        "sampling=dynamic",
    ),
    (
        ["sampling=dynamic", "algorithm.filter_groups.metric=score", "reward_shaping=overlong"],
        "algorithm.filter_groups.metric=score",
        "sampling=dynamic",
    ),
    (
        [f"{ACTOR}.policy_loss.top_entropy_share=0.2"],
        f"{ACTOR}.calculate_entropy=False",
        f"{ACTOR}.calculate_entropy=true",
    ),
    (["sampling=dynamic", "trainer.v1.rlvr.generation_limit=1"], "generation_limit=1", "generation_limit=10"),
    (["trainer.v1.rlvr.keep_right_share=[0.1,0.9]"], "keep_right_share=[0.1,0.9] would have no", "sampling=dynamic"),
    (["sampling=dynamic", "trainer.v1.rlvr.keep_right_share=[0.9,0.1]"], "keep_right_share=[0.9, 0.1]", "[0.1,0.9]"),
    (["sampling=dynamic", "trainer.v1.rlvr.keep_right_share=0.5"], "keep_right_share=0.5", "[0.1,0.9]"),
    (
        ["sampling=dynamic", "trainer.v1.rlvr.keep_right_share=[0,0.1]", f"{ROLLOUT}.n=8"],
        "keep_right_share=[0,0.1]",
        "keep_right_share=[0.125,0.875]",
    ),
    ([f"{CORRECTION}.rollout_is=tokens"], f"{CORRECTION}.rollout_is=tokens", "rollout_is=token"),
    (
        [f"{CORRECTION}.rollout_is=token", f"{CORRECTION}.rollout_is_threshold=0"],
        f"{CORRECTION}.rollout_is_threshold=0",
        f"{CORRECTION}.rollout_is_threshold=2.0",
    ),
    ([f"{CORRECTION}.rollout_rs=best"], f"{CORRECTION}.rollout_rs=best", "token_k1"),
    ([f"{CORRECTION}.rollout_rs=token_k1"], f"{CORRECTION}.rollout_rs_threshold", "=0.999_1.001"),
    (
        [f"{CORRECTION}.rollout_is=token", f"{ROLLOUT}.calculate_log_probs=false"],
        f"{ROLLOUT}.calculate_log_probs=false",
        f"{ROLLOUT}.calculate_log_probs=true",
    ),
    # generation
    ([f"{ROLLOUT}.n=1"], f"{ROLLOUT}.n=1", f"{ROLLOUT}.n=8"),
    ([f"{ROLLOUT}.n=2.5"], f"{ROLLOUT}.n=2.5", "integer >= 1"),
    ([f"{ROLLOUT}.n=true"], f"{ROLLOUT}.n=True", "integer >= 1"),
    ([f"{ROLLOUT}.temperature=0"], f"{ROLLOUT}.temperature=0", f"{ROLLOUT}.temperature=1.0"),
    ([f"{ROLLOUT}.temperature=hot"], f"{ROLLOUT}.temperature='hot'", f"{ROLLOUT}.temperature=1.0"),
    ([f"{ROLLOUT}.top_p=1.5"], f"{ROLLOUT}.top_p=1.5", f"{ROLLOUT}.top_p=1.0"),
    ([f"{ROLLOUT}.top_p=0"], f"{ROLLOUT}.top_p=0", f"{ROLLOUT}.top_p=1.0"),
    ([f"{ROLLOUT}.top_k=-2"], f"{ROLLOUT}.top_k=-2", f"{ROLLOUT}.top_k=-1"),
    ([f"{ROLLOUT}.do_sample=false"], f"{ROLLOUT}.do_sample=False", f"{ROLLOUT}.temperature="),
    ([f"{VALIDATION}.n=0"], f"{VALIDATION}.n=0", f"{VALIDATION}.n=4"),
    ([f"{VALIDATION}.do_sample=false"], f"{VALIDATION}.do_sample=false", f"{VALIDATION}.n=1"),
    ([f"{VALIDATION}.temperature=0"], f"{VALIDATION}.temperature=0", f"{VALIDATION}.do_sample=false"),
    ([f"{VALIDATION}.top_p=2"], f"{VALIDATION}.top_p=2", f"{VALIDATION}.top_p=1.0"),
    ([f"{ROLLOUT}.gpu_memory_utilization=1.2"], f"{ROLLOUT}.gpu_memory_utilization=1.2", "=0.6"),
    ([f"{ROLLOUT}.gpu_memory_utilization=80"], f"{ROLLOUT}.gpu_memory_utilization=80", "(0, 1]"),
    ([f"{ROLLOUT}.dtype=fp8"], f"{ROLLOUT}.dtype='fp8'", f"{ROLLOUT}.dtype=bfloat16"),
    ([f"{ROLLOUT}.name=vlm"], f"{ROLLOUT}.name='vlm'", f"{ROLLOUT}.name=vllm"),
    ([f"{ROLLOUT}.mode=sync"], f"{ROLLOUT}.mode='sync'", f"{ROLLOUT}.mode=async"),
    ([f"{ROLLOUT}.load_format=dumy"], f"{ROLLOUT}.load_format='dumy'", f"{ROLLOUT}.load_format=dummy"),
    ([f"{ROLLOUT}.tensor_model_parallel_size=0"], f"{ROLLOUT}.tensor_model_parallel_size=0", "=1"),
    ([PAPER, f"{ROLLOUT}.tensor_model_parallel_size=3"], f"{ROLLOUT}.tensor_model_parallel_size=3", "=1"),
    ([f"{ROLLOUT}.pipeline_model_parallel_size=2"], f"{ROLLOUT}.pipeline_model_parallel_size=2", "=1"),
    ([f"{ROLLOUT}.max_num_batched_tokens=8"], f"{ROLLOUT}.max_num_batched_tokens=8", "=4096"),
    ([f"{ROLLOUT}.prompt_length=10"], f"{ROLLOUT}.prompt_length=10", "data.max_prompt_length=10"),
    ([f"{ROLLOUT}.response_length=10"], f"{ROLLOUT}.response_length=10", "data.max_response_length=10"),
    ([f"{ROLLOUT}.agent.num_workers=0"], f"{ROLLOUT}.agent.num_workers=0", f"{ROLLOUT}.agent.num_workers=8"),
    # data
    (["data.train_batch_size=0"], "data.train_batch_size=0", "data.train_batch_size=512"),
    (["data.train_batch_size='128'"], "data.train_batch_size='128'", "integer >= 1"),
    (["data.train_batch_size=1e2"], "data.train_batch_size=100.0", "integer >= 1"),
    (["data.max_prompt_length=-1"], "data.max_prompt_length=-1", "data.max_prompt_length=1024"),
    (["data.truncation=cut"], "data.truncation='cut'", "data.truncation=error"),
    (["data.shuffle=no_"], "data.shuffle='no_'", "true or false"),
    (["data.train_files=null"], "data.train_files=null", "data.train_files="),
    (["data.val_files=[]"], "data.val_files=[]", "data.val_files="),
    (["data.train_max_samples=0"], "data.train_max_samples=0", "data.train_max_samples=-1"),
    (["data.dataloader_num_workers=-1"], "data.dataloader_num_workers=-1", "data.dataloader_num_workers=0"),
    # the run
    (["seed=abc"], "seed='abc'", "seed=0"),
    (["seed=1.5"], "seed=1.5", "integer"),
    (["seed=-1"], "seed=-1", ">= 0"),
    (["seed=null"], "seed=null", "seed=0"),
    (["dry_run=maybe"], "dry_run='maybe'", "dry_run=true"),
    (["output_root=''"], "output_root=''", "output_root=outputs"),
    (["output_root=/proc/x"], "run_dir=/proc/x", "output_root="),
    (["trainer.project_name=null"], "trainer.project_name=null", "trainer.project_name=train"),
    *(
        ([f"{key}='{name}'"], f"{key}=", "the name of a folder inside output_root")
        for key in ("trainer.experiment_name", "trainer.project_name")
        for name in ("../../x", ".", "sweep/lr-1e-6", "x" * 260, "é" * 101)
    ),
    (["trainer.nnodes=0"], "trainer.nnodes=0", "trainer.nnodes=1"),
    (["trainer.nnodes=two"], "trainer.nnodes='two'", "trainer.nnodes=1"),
    (["trainer.n_gpus_per_node=0"], "trainer.n_gpus_per_node=0", "trainer.n_gpus_per_node=1"),
    (["trainer.total_training_steps=0"], "trainer.total_training_steps=0", "trainer.total_training_steps=300"),
    (["trainer.total_training_steps=1.5"], "trainer.total_training_steps=1.5", "integer >= 1"),
    (["trainer.total_epochs=0"], "trainer.total_epochs=0", "trainer.total_epochs=1000"),
    (["trainer.save_freq=1.5"], "trainer.save_freq=1.5", "trainer.save_freq=20"),
    (["trainer.save_freq=null"], "trainer.save_freq=null", "trainer.save_freq=20"),
    (["trainer.test_freq=often"], "trainer.test_freq='often'", "trainer.test_freq=20"),
    (["trainer.max_actor_ckpt_to_keep=0"], "trainer.max_actor_ckpt_to_keep=0", "trainer.max_actor_ckpt_to_keep=2"),
    (["trainer.val_before_train=ja"], "trainer.val_before_train='ja'", "true or false"),
    (["trainer.device=cuda"], "trainer.device=cuda", "hardware=8x80gb"),
    (["hardware.device=tpu"], "hardware.device='tpu'", "cpu, cuda"),
    (["trainer.critic_warmup=10"], "trainer.critic_warmup=10", "trainer.critic_warmup=0"),
    (["trainer.use_v1=false"], "trainer.use_v1=False", "trainer.use_v1=true"),
    (["trainer.v1.trainer_mode=async"], "trainer.v1.trainer_mode=async", "trainer.v1.trainer_mode=rlvr"),
    (["trainer.v1.rlvr.check_weights=1"], "trainer.v1.rlvr.check_weights=1", "trainer.v1.rlvr.check_weights=true"),
    ([f"{ROLLOUT}.dtype=auto"], f"{ROLLOUT}.dtype=auto", f"{ROLLOUT}.dtype=bfloat16"),
    (["trainer.v1.rlvr.poll_interval=0"], "trainer.v1.rlvr.poll_interval=0", "trainer.v1.rlvr.poll_interval=0.2"),
    (["trainer.logger=console"], "trainer.logger=console", "trainer.logger=[console,file,tensorboard]"),
    (["trainer.logger=[console,file,wandbb]"], "wandbb", "trainer.logger"),
    (["trainer.logger=[console,tensorboard]"], "metrics.jsonl", "trainer.logger=[console,tensorboard,file]"),
    # reward, model, Ray
    (["reward.num_workers=0"], "reward.num_workers=0", "reward.num_workers=8"),
    (["reward.reward_manager.name=daapo"], "reward.reward_manager.name=daapo", "reward.reward_manager.name=naive"),
    (
        ["reward.custom_reward_function.path=/no/such.py"],
        "reward.custom_reward_function.path=/no/such.py",
        "reward.custom_reward_function.path=pkg://reward.verl_entry",
    ),
    (
        ["custom_reward_function.path=pkg://reward.verl_entry"],
        "custom_reward_function.path=pkg://reward.verl_entry",
        "Write reward.custom_reward_function.path=",
    ),
    (["reward_model.reward_manager=dapo"], "reward_model.reward_manager=dapo", "reward.reward_manager.name="),
    ([f"{MODEL}.path=null"], f"{MODEL}.path=null", f"{MODEL}.path="),
    ([f"{MODEL}.lora_rank=-8"], f"{MODEL}.lora_rank=-8", f"{MODEL}.lora_rank=0"),
    (
        [f"{MODEL}.override_config.attn_implementation=flash_attention_2"],
        f"{MODEL}.override_config.attn_implementation=flash_attention_2",
        f"{MODEL}.override_config.attn_implementation=sdpa",
    ),
    (["precision=fp8"], "precision='fp8'", "precision=bf16"),
    ([f"{ENGINE}.dtype=float16"], f"{ENGINE}.dtype=float16", "precision=fp16"),
    ([PAPER, f"{ENGINE}.dtype=half"], f"{ENGINE}.dtype='half'", "Write"),
    ([f"{REFERENCE}.fsdp_config.dtype=bfloat16"], f"{REFERENCE}.fsdp_config.dtype=bfloat16", "precision=bf16"),
    (["attention=flex"], "attn_implementation=flex_attention", "attention=sdpa"),
    (["attention=flash_attention_2"], "attention='flash_attention_2'", "attention=auto"),
    (
        [f"{ACTOR}.ulysses_sequence_parallel_size=2", "trainer.n_gpus_per_node=2", f"{MODEL}.use_remove_padding=true"],
        f"{ACTOR}.ulysses_sequence_parallel_size=2 with attention sdpa",
        f"{ACTOR}.ulysses_sequence_parallel_size=1",
    ),
    ([f"{MODEL}.external_lib=no_such_module"], f"{MODEL}.external_lib=no_such_module", f"{MODEL}.external_lib=null"),
    ([f"{MODEL}.trust_remote_code=sure"], f"{MODEL}.trust_remote_code='sure'", "true or false"),
    (["ray_kwargs.ray_init.num_cpus=0"], "ray_kwargs.ray_init.num_cpus=0", "ray_kwargs.ray_init.num_cpus=32"),
    (["ray_kwargs.ray_init.num_gpus=0"], "ray_kwargs.ray_init.num_gpus=0", "ray_kwargs.ray_init.num_gpus=1"),
    *(
        ([f"ray_kwargs.ray_init.{key}={value}"], f"ray_kwargs.ray_init.{key}=", "must be an integer or null")
        for key in ("num_cpus", "num_gpus")
        for value in ("abc", "nan", "0.5", "true", "[1]")
    ),
    (["ray_kwargs.ray_init.include_dashboard=abc"], "include_dashboard='abc'", "true or false"),
    *(
        ([f"{RUNTIME}.env_vars.OMP_NUM_THREADS={value}"], f"OMP_NUM_THREADS={value}", "OMP_NUM_THREADS=1")
        for value in ("0", "abc", "-4", "2.0")
    ),
    ([f"{RUNTIME}.env_vars.OMP_WAIT_POLICY=asleep"], "OMP_WAIT_POLICY=asleep", "OMP_WAIT_POLICY=passive"),
    *(
        ([f"{RUNTIME}.env_vars.VLLM_CPU_{name}={value}"], f"VLLM_CPU_{name}={value}", f"VLLM_CPU_{name}={cure}")
        for name, value, cure in (
            ("KVCACHE_SPACE", "abc", "1"),
            ("KVCACHE_SPACE", "0.5", "1"),
            ("OMP_THREADS_BIND", "foo", "nobind"),
            ("OMP_THREADS_BIND", "0-", "nobind"),
        )
    ),
    *(
        ([f"{RUNTIME}.worker_process_setup_hook={value}"], f"worker_process_setup_hook={value}", "<module>.<function>")
        for value in ("foo.bar", "5", "recipes.common.collector", "recipes.common.collector.sleep")
    ),
    # the run, Ray's workers and the watches
    *(([f"run_dir={value}"], "run_dir=", "Write run_dir=/") for value in ("null", "-1", "[a]", "''")),
    *(
        ([f"trainer.v1.rlvr.skipped_update_limit={value}"], "skipped_update_limit=", "skipped_update_limit=8")
        for value in ("abc", "null", "-1", "1.5", "inf")
    ),
    (["trainer.v1.rlvr.scorer_failure_limit=abc"], "scorer_failure_limit='abc'", "scorer_failure_limit=0.2"),
    ([f"{POLICY}.skip_above_kl=abc"], f"{POLICY}.skip_above_kl='abc'", f"{POLICY}.skip_above_kl=2.0"),
    ([f"{POLICY}.skip_above_kl=nan"], f"{POLICY}.skip_above_kl=nan", f"{POLICY}.skip_above_kl=2.0"),
    # adapters
    ([f"{MODEL}.lora.rank=null"], f"{MODEL}.lora.rank=null", f"{MODEL}.lora.rank=0"),
    (["lora=r16", f"{MODEL}.lora.merge=abc"], f"{MODEL}.lora.merge='abc'", f"{MODEL}.lora.merge=true"),
    (["lora=r16", f"{MODEL}.exclude_modules=abc"], f"{MODEL}.exclude_modules=abc", "exclude_modules=null"),
    # sections that were written over, classes that are none, null where it is no default
    *(
        ([f"{key}=null"], f"{key}=null", f"Write {key}.<key>=<value>")
        for key in (
            *("ray_kwargs", "ray_kwargs.ray_init", "trainer", "trainer.v1", "trainer.v1.rlvr", POLICY, OPTIM, ENGINE),
            *("actor_rollout_ref", VALIDATION, f"{MODEL}.lora", f"{MODEL}.override_config"),
        )
    ),
    ([f"++{VALIDATION}=5"], f"{VALIDATION}=5", f"Write {VALIDATION}.<key>=<value>"),
    *(
        ([f"{section}._target_={value}"], f"{section}._target_=", "Leave it out")
        for section in (ACTOR, POLICY, "algorithm", f"{ROLLOUT}.profiler.tool_config.torch")
        for value in ("abc", "null", "1.5", "no.such.Class")
    ),
    ([f"{OPTIM}.optimizer=null"], f"{OPTIM}.optimizer=null", f"{OPTIM}.optimizer=AdamW"),
    ([f"{OPTIM}.optimizer_impl=null"], f"{OPTIM}.optimizer_impl=null", f"{OPTIM}.optimizer_impl=torch.optim"),
    ([f"{ROLLOUT}.profiler.tool_config.torch.contents=null"], "torch.contents=null", "must be a list"),
    # what verl's replay buffer and its trainer of two groups of GPUs would refuse once Ray is up
    *(
        ([*mode, f"trainer.v1.{key}={value}"], f"trainer.v1.{key}=", f"Write trainer.v1.{key}={instead}.")
        for mode, key, instead, values in (
            ((), "sampler.max_off_policy_threshold", "8", ("0", "x", "1.5")),
            ((), "sampler.max_off_policy_strategy", "drop", ("stop", "null")),
            ((), "sampler.sync_refill_failed_groups", "false", ("1", "ja")),
            (SEPARATE, "separate_async.num_warmup_batches", "1", ("-1", "x", "null")),
            (SEPARATE, "separate_async.hybrid_rollout.switch_threshold_ratio", "0.4", ("0", "2", "x")),
            (SEPARATE, "separate_async.hybrid_rollout.switch_cost_window_size", "3", ("0", "null")),
        )
        for value in values
    ),
    ([*SEPARATE, "trainer.v1.separate_async.parameter_sync_step=null"], "parameter_sync_step=None", "or write 4"),
    (
        [*SEPARATE, "trainer.v1.separate_async.hybrid_rollout.enable_switch=ja"],
        "hybrid_rollout.enable_switch='ja'",
        "true or false",
    ),
    ([*SEPARATE, f"{OPTIM}.lr_warmup_steps=120"], f"{OPTIM}.lr_warmup_steps=120", f"{OPTIM}.lr_warmup_steps=12"),
    (
        ["sampling=dynamic", "algorithm.filter_groups.max_inflight_gen_batches=0"],
        "max_inflight_gen_batches=0",
        "max_inflight_gen_batches=1",
    ),
    (["data.gen_batch_size=24"], "data.gen_batch_size=24 does not divide", "data.gen_batch_size=16"),
    (["data.gen_batch_size=128"], "data.gen_batch_size=128 does not divide", "data.gen_batch_size=64"),
    (["data.gen_batch_size=16", "sampling=dynamic"], "with sampling=dynamic verl draws", "Leave it out"),
    (["data.gen_batch_size=16", *SEPARATE], "with trainer_mode=separate_async verl draws", "Leave it out"),
    ([PAPER, f"{ROLLOUT}.data_parallel_size=2"], f"{ROLLOUT}.data_parallel_size=2", f"{ROLLOUT}.data_parallel_size=1"),
    # keys forced in with a + that verl does not know
    ([f"+{ACTOR}.lr=1e-5"], f"{ACTOR}.lr", "knows no such key"),
    ([f"+{OPTIM}.learning_rate=1e-5"], f"{OPTIM}.learning_rate", "knows no such key"),
]


# overrides, key that the message names, what it says to write: Hydra's composing itself
WRONG_WORDS = [
    (["policy_loss=dgop"], "policy_loss=dgop", "Write policy_loss=dgpo."),
    (["model=tinny"], "model=tinny", "Write model=tiny."),
    (["data=gsm8"], "data=gsm8", "Write data=gsm8k."),
    (["experiment=dgpo/7b_dgop"], "experiment=dgpo/7b_dgop", "Write experiment=dgpo/7b_dgpo."),
    (["scale=large"], "scale=large", "Choices: 7b-short, bridge, paper, tiny"),
    (["reward_shaping=[overlongg]"], "reward_shaping=overlongg", "Write reward_shaping=overlong."),
    (["policy_loss=base/common"], "policy_loss=base/common", "Choices: "),
    (["model=hf_model"], "model=hf_model", "Choices: "),  # verl's, which sets no path
    (["policy_loss=null"], "policy_loss=null", "Choices: "),
    (["+policy_loss=maspo"], "+policy_loss=maspo", "policy_loss=<choice>, without +"),
    (["policy_loss=dgpo,maspo"], "policy_loss=dgpo,maspo", "Write one, as policy_loss=dgpo"),
    (["seed=0,1,2"], "seed=0,1,2", "one command per value"),
    (["algorithm.adv_estimatr=grpo"], "algorithm.adv_estimatr", "Write algorithm.adv_estimator=grpo."),
    (["trainer.nnode=2"], "trainer.nnode", "Write trainer.nnodes=2."),
    (["nnodes=2"], "nnodes", "Write trainer.nnodes=2."),
    (["lr=1e-6"], "lr", f"Write {OPTIM}.lr=1e-6."),
    (["rollout.tempreture=1.0"], "rollout.tempreture", f"Write {ROLLOUT}.temperature=1.0."),
    (["actor.optim.lr=1e-6"], "actor.optim.lr", f"Write {OPTIM}.lr=1e-6."),
    (["policy_loss=maspo", f"{ACTOR}.policy_loss.maspo_alfa=1"], "maspo_alfa", "policy_loss.maspo_alpha=1."),
    (["hardwar=cpu"], "hardwar", "Write hardware=cpu."),
    (["zzzz=1"], "zzzz", "--cfg job"),
    (["+trainer.savefreq=2"], "+trainer.savefreq", "Write trainer.save_freq=2."),
    (["++trainer.nnode=2"], "++trainer.nnode", "Write trainer.nnodes=2."),
    (["+trainer.nnodes=2"], "trainer.nnodes", "remove + prefix"),
    (["seed"], "seed", "Write key=value"),
    (["seed=="], "seed==", "Write key=value"),
    (["trainer.logger=[console"], "trainer.logger=[console", "with quotes around"),
]


RIGHT = [
    [f"{ROLLOUT}.dtype=auto", "trainer.v1.rlvr.check_weights=false"],
    [f"{OPTIM}.lr=4.63e-7"],
    [f"{OPTIM}.lr_warmup_steps=-1", f"{OPTIM}.lr_warmup_steps_ratio=0.1"],
    [f"{OPTIM}.lr_warmup_steps=0"],
    [PAPER, "trainer.total_training_steps=2"],  # a smoke test ends inside the warm-up
    [f"{OPTIM}.lr_scheduler_type=cosine", f"{OPTIM}.min_lr_ratio=0.1"],
    [f"{OPTIM}.betas=[0.9,0.95]"],
    [f"{OPTIM}.weight_decay=0"],
    [f"{OPTIM}.clip_grad=0.5"],
    [f"{ACTOR}.clip_ratio_low=0.28", f"{ACTOR}.clip_ratio_high=0.2"],  # unusual, but a trust region
    [f"{ACTOR}.entropy_coeff=0.001"],
    [f"{ACTOR}.ppo_epochs=2"],
    [f"{ACTOR}.use_kl_loss=true", f"{REFERENCE}.log_prob_micro_batch_size_per_gpu=64"],
    [PAPER, f"{ACTOR}.use_kl_loss=true", f"{ACTOR}.kl_loss_type=k3+"],
    [PAPER, "algorithm.use_kl_in_reward=true", "algorithm.kl_ctrl.type=adaptive"],
    [f"{CORRECTION}.rollout_is=token"],
    [f"{CORRECTION}.rollout_is=sequence", f"{CORRECTION}.rollout_is_threshold=0.5_2.0"],
    [f"{CORRECTION}.rollout_rs=token_k1", f"{CORRECTION}.rollout_rs_threshold=0.999_1.001"],
    ["algorithm.filter_groups.enable=true", "algorithm.filter_groups.metric=acc"],
    [f"{ACTOR}.policy_loss.top_entropy_share=0.2", f"{ACTOR}.calculate_entropy=true"],
    ["sampling=dynamic", "reward_shaping=[overlong,plus_minus_one]", "trainer.v1.rlvr.generation_limit=1.5"],
    ["sampling=dynamic", "trainer.v1.rlvr.keep_right_share=[0.125,0.5]", f"{ROLLOUT}.n=8"],
    [
        *("algorithm.adv_estimator=reinforce_plus_plus", f"{ROLLOUT}.n=1"),
        *("data.train_batch_size=128", f"{ACTOR}.ppo_mini_batch_size=32"),
    ],
    ["algorithm.adv_estimator=rloo"],
    [f"{ROLLOUT}.temperature=0.6", f"{ROLLOUT}.top_p=0.95", f"{ROLLOUT}.top_k=50"],
    [f"{ROLLOUT}.top_k=0"],
    [f"{VALIDATION}.do_sample=false", f"{VALIDATION}.n=1", f"{VALIDATION}.temperature=0"],
    [f"{ROLLOUT}.gpu_memory_utilization=1.0"],
    [PAPER, f"{ROLLOUT}.tensor_model_parallel_size=4"],
    [PAPER, f"{ACTOR}.ulysses_sequence_parallel_size=2", f"{ACTOR}.ppo_max_token_len_per_gpu=8192"],
    [PAPER, f"{ENGINE}.fsdp_size=8", "trainer.nnodes=2"],
    [PAPER, f"{ENGINE}.model_dtype=bf16", f"{ACTOR}.strategy=fsdp"],
    [f"{ACTOR}.checkpoint.save_contents=[model]"],
    ["trainer.save_freq=-1", "trainer.test_freq=0"],
    ["trainer.max_actor_ckpt_to_keep=null"],
    ["trainer.experiment_name=sweep-lr-1e-6"],
    ["trainer.logger=[file]"],
    ["data.train_max_samples=1000", "data.val_max_samples=8"],
    ["data.train_files=[a.parquet,b.parquet]"],
    ["+trainer.wandb_proxy=http://proxy:3128"],
    [f"+{ROLLOUT}.engine_kwargs.vllm.max_logprobs=5"],
    ["trainer.v1.rlvr.skipped_update_limit=0"],  # stops at the first
    [f"{RUNTIME}.env_vars.OMP_NUM_THREADS='4,2'", f"{RUNTIME}.env_vars.VLLM_CPU_OMP_THREADS_BIND='0-3,7|4-6'"],
    [f"{RUNTIME}.env_vars.OMP_NUM_THREADS=4", f"+{RUNTIME}.env_vars.MY_LIMIT=-1"],
    ["ray_kwargs.ray_init.num_cpus=null", f"{RUNTIME}.worker_process_setup_hook=null"],
    ["trainer.v1.sampler.max_off_policy_threshold=null", "trainer.v1.sampler.max_off_policy_strategy=wait"],
    [*SEPARATE, "trainer.v1.separate_async.num_warmup_batches=1.5", f"{OPTIM}.lr_warmup_steps=60"],  # in updates
    [*SEPARATE, "sampling=dynamic", "trainer.v1.rlvr.generation_limit=1.5", "data.gen_batch_size=1"],
    ["data.gen_batch_size=16"],
    ["seed=0", "seed=4294967295"],  # the later one counts
    ["policy_loss=dgpo", "policy_loss=maspo"],
]


def named(value: object) -> str:
    """A test is called by its overrides alone."""
    return " ".join(value)[-80:] if isinstance(value, list) else ""


def checked(config) -> None:
    """What `recipes.train` checks without a model or data set, on any machine."""
    config = reading.readable(config)
    config_checks.check_config(config)
    if config.hardware.device == "cpu":
        environment.check_environment(config)
    run_folder.check_writable(config)


@pytest.mark.parametrize(("overrides", "key", "cure"), WRONG_VALUES, ids=named)
def test_a_wrong_value_is_refused(composed, overrides: list[str], key: str, cure: str) -> None:
    with pytest.raises(UserError) as error:
        checked(composed(*overrides))
    assert key in str(error.value)
    assert cure in str(error.value)


@pytest.mark.skipif(attention.has_flash_attn(), reason="flash-attn is installed here")
def test_attention_that_is_not_installed_is_refused(composed) -> None:
    with pytest.raises(UserError, match=r"attention=flash: flash-attn is not installed.*Write attention=auto"):
        environment.check_environment(resolved(composed(PAPER, "attention=flash")))


@pytest.mark.parametrize(("words", "key", "cure"), WRONG_WORDS, ids=named)
def test_a_wrong_word_is_refused(words: list[str], key: str, cure: str) -> None:
    with pytest.raises(UserError) as error:
        compose.compose(words)
    assert key in str(error.value)
    assert cure in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("overrides", RIGHT, ids=" ".join)
def test_a_right_neighbour_is_accepted(composed, overrides: list[str]) -> None:
    checked(composed(*overrides))


def test_there_are_enough_of_them() -> None:
    """And none twice."""
    wrong = [tuple(overrides) for overrides, *_ in WRONG_VALUES + WRONG_WORDS]
    assert len(set(wrong)) == len(wrong) >= 60
    assert len(RIGHT) >= 20


def test_parallel_sizes_against_the_models_heads(composed) -> None:
    config = resolved(composed(PAPER, f"{ROLLOUT}.tensor_model_parallel_size=8"))
    with pytest.raises(UserError, match=r"tensor_model_parallel_size=8 does not divide the 28 .*=7"):
        sizes.check_model(config, {"num_attention_heads": 28})
    sizes.check_model(config, {"num_attention_heads": 32})
    sizes.check_model(config, {})


def test_fused_kernels_need_an_output_layer_that_is_gathered(composed) -> None:
    config = resolved(composed(PAPER, f"{MODEL}.use_fused_kernels=true"))
    with pytest.raises(UserError, match=rf"{MODEL}\.use_fused_kernels=true.*Write {MODEL}\.use_fused_kernels=false"):
        sizes.check_model(config, {"tie_word_embeddings": False})
    sizes.check_model(config, {"tie_word_embeddings": True})
    sizes.check_model(resolved(composed(PAPER)), {"tie_word_embeddings": False})
    old_fsdp = resolved(composed(PAPER, f"{MODEL}.use_fused_kernels=true", f"{ACTOR}.strategy=fsdp"))
    sizes.check_model(old_fsdp, {"tie_word_embeddings": False})  # its root gathers the output layer


def test_a_response_longer_than_the_models_context(composed) -> None:
    config = resolved(composed(PAPER))
    with pytest.raises(UserError, match=r"max_position_embeddings=4096\. Write data\.max_response_length=2048"):
        sizes.check_model(config, {"max_position_embeddings": 4096})


def test_epochs_that_end_before_the_steps(composed) -> None:
    batch = ("data.train_batch_size=128", f"{ACTOR}.ppo_mini_batch_size=32")
    config = resolved(composed(*batch, "trainer.total_epochs=1"))
    with pytest.raises(UserError, match=r"trainer\.total_epochs=1.*17 batches of 128.*Write trainer\.total_epochs=2"):
        files.check_enough(config, Rows("data.train_files", 2244))
    config = resolved(composed(*batch, "trainer.total_epochs=2"))
    files.check_enough(config, Rows("data.train_files", 2244))
    config = resolved(composed(*batch, "data.train_max_samples=100"))
    with pytest.raises(
        UserError, match=r"100 rows.*fewer than data\.train_batch_size=128 \(data\.train_max_samples=100\)"
    ):
        files.check_enough(config, Rows("data.train_files", 100))


@pytest.mark.parametrize("key", ["trainer.logger", f"{OPTIM}.lr_scheduler_type", "ray_kwargs.ray_init", MODEL])
def test_a_key_that_was_taken_away_is_named(composed, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr(preflight, "CHECKS", (("config", config_checks.check_config),))
    with pytest.raises(UserError, match=rf"{re.escape(key)}[=:.].*Write {re.escape(key)}"):
        preflight.checked(composed(f"~{key}"))


def test_every_option_of_our_trainers_has_a_rule() -> None:
    prefix = "trainer.v1.rlvr"
    ours = {f"{prefix}.{name}" for name in sections.untouched(prefix)}
    assert ours == {rule.key for rule in values.RULES if rule.key.startswith(prefix)}


def test_the_schema_is_composed_without_a_trace(composed) -> None:
    """${hydra:runtime.choices.…} of the config that is checked must stay what they are."""
    config = composed("policy_loss=maspo", "model=deepseek-r1-distill-qwen-7b", "hardware=8x80gb")
    for remembered in (untold, _composed):
        remembered.cache_clear()
    sections.check_sections(config)
    assert "maspo" in resolved(config).trainer.experiment_name


def test_a_tracker_that_is_not_installed_or_has_no_login(composed, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from recipes.checks import tracking

    config = resolved(composed("trainer.logger=[console,file,wandb]"))
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"package wandb is not installed.*trainer\.logger=\[console,file\]"):
        tracking.check_trackers(config)
    monkeypatch.setattr(tracking, "find_spec", lambda name: object())
    nobody = {"NETRC": str(tmp_path / "none")}
    with pytest.raises(UserError, match=r"trainer\.logger=.*WANDB_API_KEY.*WANDB_MODE=offline"):
        tracking.check_trackers(config, nobody)
    tracking.check_trackers(config, nobody | {"WANDB_MODE": "offline"})
    tracking.check_trackers(config, nobody | {"WANDB_API_KEY": "x" * 40})
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password secret\n")
    tracking.check_trackers(config, {"NETRC": str(tmp_path / "netrc")})


@pytest.mark.parametrize("name", TRACKERS)
def test_every_tracker_is_one_more_logger_and_says_how_it_is_installed(
    composed, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from recipes.checks import tracking

    config = resolved(composed(f"logging={name}"))
    assert list(config.trainer.logger) == ["console", "file", "tensorboard", name]
    tracking.check_loggers(config)
    monkeypatch.setattr(tracking, "find_spec", lambda package: None if package == name else object())
    with pytest.raises(UserError, match=f"pip install {name}"):
        tracking.check_trackers(config)


def test_swanlab_without_a_login(composed, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from recipes.checks import tracking

    config = resolved(composed("logging=swanlab"))
    monkeypatch.setattr(tracking, "find_spec", lambda name: object())
    nobody = {"SWANLAB_ROOT": str(tmp_path)}
    with pytest.raises(UserError, match=r"SwanLab has no login.*SWANLAB_API_KEY.*SWANLAB_MODE=local"):
        tracking.check_trackers(config, nobody)
    for known in ({"SWANLAB_API_KEY": "x" * 20}, {"SWANLAB_MODE": "local"}):
        tracking.check_trackers(config, nobody | known)
    (tmp_path / ".netrc").write_text("machine api.swanlab.cn login user password secret\n")
    tracking.check_trackers(config, nobody)
