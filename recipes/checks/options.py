"""Options that contradict one another, and options that nothing reads, found from the config alone."""

import inspect
import pkgutil
import re
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.checks import types
from recipes.checks.trainer_mode import is_separate
from recipes.checks.values import ACTOR, MODEL, OPTIMISER, ROLLOUT, VALIDATION
from recipes.common import attention, precision
from recipes.common.errors import UserError
from recipes.common.suggestions import nearest

# Advantages relative to the other responses to the same prompt: with one response there is nothing to compare with.
ONE_BY_ONE = ("gae", "reinforce_plus_plus", "remax")
REFERENCE = "actor_rollout_ref.ref"
CORRECTION = "algorithm.rollout_correction"

# Steps; so short a run only shows that all parts work, and may end inside the warm-up.
SMOKE_TEST = 10

# key → its value in verl's YAML, and what is read in its place
UNREAD: dict[str, tuple[Any, str]] = {
    f"{ACTOR}.clip_ratio": (0.2, f"{ACTOR}.clip_ratio_low=<ε> {ACTOR}.clip_ratio_high=<ε>"),
    f"{ACTOR}.grad_clip": (1.0, f"{OPTIMISER}.clip_grad=<norm>"),
    f"{OPTIMISER}.total_training_steps": (-1, "trainer.total_training_steps=<steps>"),
    f"{ROLLOUT}.do_sample": (True, f"{ROLLOUT}.temperature=<temperature>: training always samples"),
    "algorithm.use_pf_ppo": (False, "algorithm.use_pf_ppo=false: verl's V1 trainer has no PF-PPO"),
    "algorithm.filter_groups.max_num_gen_batches": (0, "algorithm.filter_groups.max_inflight_gen_batches=<batches>"),
    "actor_rollout_ref.nccl_timeout": (600, "actor_rollout_ref.nccl_timeout=600: torch's own timeout holds"),
    "trainer.use_v1": (True, "trainer.use_v1=true: this project builds on verl's V1 trainer"),
    "custom_reward_function.path": (None, "reward.custom_reward_function.path=<path>"),
    "custom_reward_function.name": (None, "reward.custom_reward_function.name=<name>"),
    "reward_model.enable": (None, "reward.reward_model.enable=<true or false>"),
    "reward_model.num_workers": (None, "reward.num_workers=<processes>"),
    "reward_model.reward_manager": (None, "reward.reward_manager.name=<name>"),
    "sandbox_fusion.url": (None, "reward.sandbox_fusion.url=<url>"),
}


RUNTIME = "ray_kwargs.ray_init.runtime_env"
_CORES = r"\d+(-\d+)?(,\d+(-\d+)?)*"
# Variables of a worker: names, what may stand there, the same in words, a value that works.
VARIABLES = (
    (r"\w+_NUM_THREADS", r"[1-9]\d*(,[1-9]\d*)*", "an integer >= 1", "1"),  # several: of nested regions
    ("OMP_WAIT_POLICY", "(?i:active|passive)", "active or passive", "passive"),
    ("VLLM_CPU_KVCACHE_SPACE", r"[1-9]\d*", "an integer >= 1, in GiB", "1"),
    (
        "VLLM_CPU_OMP_THREADS_BIND",
        rf"auto|nobind|{_CORES}(\|{_CORES})*",
        "auto, nobind, or cores, as '0-3', of each worker with | between them",
        "nobind",
    ),
)


def check_options(config: DictConfig) -> None:
    """What the table of values can't see, because it takes two keys.

    Args:
        config: resolved; every value by itself is all right (recipes.checks.values).

    Raises:
        UserError: names the keys and what to write.
    """
    check_options_alone(config)
    for check in (_check_critic, _check_correction, check_ray):
        check(config)


def check_options_alone(config: DictConfig) -> None:
    """Those of them that load neither verl nor Ray, which a plan asks too."""
    checks: tuple[Callable[[DictConfig], None], ...] = (
        _check_unread,
        _check_device,
        _check_attention,
        _check_precision,
        _check_lengths_of_generation,
        _check_group,
        _check_schedule,
        _check_kl,
        _check_validation,
        _check_filter,
        _check_chunked_entropy,
        _check_comparable_weights,
    )
    for check in checks:
        check(config)


def _check_unread(config: DictConfig) -> None:
    for key, (untouched, instead) in UNREAD.items():
        value = OmegaConf.select(config, key)
        if value != untouched:
            raise UserError(f"{key}={value} would have no effect: verl 0.9.1 does not read it here. Write {instead}.")


def _check_device(config: DictConfig) -> None:
    if config.trainer.device != config.hardware.device:
        raise UserError(
            f"trainer.device={config.trainer.device}, but the preset is for {config.hardware.device}. Leave "
            "trainer.device out and choose the machine by hardware=cpu, hardware=8x80gb or a file of your own."
        )


def _check_attention(config: DictConfig) -> None:
    """The device can compute it, and sequences that are to be split are packed."""
    model, split = config.actor_rollout_ref.model, config.actor_rollout_ref.actor.ulysses_sequence_parallel_size
    chosen = attention.of(config)
    if config.hardware.device == "cpu" and chosen not in (attention.SDPA, "eager"):
        key = f"{MODEL}.override_config.attn_implementation"
        raise UserError(f"{key}={chosen} (from attention=) needs a GPU. Write attention=sdpa, or {key}=sdpa.")
    if split > 1 and not model.use_remove_padding:
        raise UserError(
            f"{ACTOR}.ulysses_sequence_parallel_size={split} with actor_rollout_ref.model.use_remove_padding=false: "
            f"only unpadded sequences can be split. Write {ACTOR}.ulysses_sequence_parallel_size=1, or "
            "actor_rollout_ref.model.use_remove_padding=true."
        )


def _check_precision(config: DictConfig) -> None:
    """verl computes in mixed_precision.param_dtype, bfloat16 where that is missing; `dtype` it does not ask."""
    for section in (ACTOR, REFERENCE):
        engine = OmegaConf.select(config, f"{section}.fsdp_config")
        computed = precision.dtype((engine.get("mixed_precision") or {}).get("param_dtype", "bf16"))
        if precision.dtype(engine.dtype) != computed:
            named = precision.dtype(engine.dtype)
            short = next((choice for choice, name in precision.NAMES.items() if name == named), "bf16")
            raise UserError(
                f"{section}.fsdp_config.dtype={engine.dtype}, but {section}.fsdp_config.mixed_precision.param_dtype, "
                f"which verl computes in, is {computed}. Write precision={short} instead."
            )


def _check_chunked_entropy(config: DictConfig) -> None:
    """verl compiles the loop over chunks with the number of tokens as a constant (transformer_impl.py of FSDP)."""
    key = f"{ACTOR}.fsdp_config.use_torch_compile"
    actor = config.actor_rollout_ref.actor
    if actor.entropy_from_logits_with_chunking and actor.fsdp_config.use_torch_compile:
        raise UserError(
            f"{key}=true with {ACTOR}.entropy_from_logits_with_chunking=true: entropy would be compiled anew for every "
            f"length of a micro-batch. Write {key}=false, which switches nothing else off."
        )


def _check_comparable_weights(config: DictConfig) -> None:
    """plugin/rollout/weight_sums.py rounds the trainer's weights as vLLM does, and so has to know how."""
    key = "trainer.v1.rlvr.check_weights"
    if config.trainer.v1.rlvr.check_weights and config.actor_rollout_ref.rollout.dtype == "auto":
        raise UserError(
            f"{ROLLOUT}.dtype=auto with {key}=true: what the weights are compared in must be known. Write "
            f"{ROLLOUT}.dtype=bfloat16, or {key}=false."
        )


def _check_lengths_of_generation(config: DictConfig) -> None:
    rollout = config.actor_rollout_ref.rollout
    for name in ("prompt_length", "response_length"):
        if rollout[name] != config.data[f"max_{name}"]:
            raise UserError(
                f"{ROLLOUT}.{name}={rollout[name]} differs from data.max_{name}={config.data[f'max_{name}']}. "
                f"Write data.max_{name}={rollout[name]} and leave {ROLLOUT}.{name} out; it follows."
            )
    check_tokens_per_pass(config)


def check_tokens_per_pass(config: DictConfig) -> None:
    """Each sequence takes a token per pass of vLLM.

    Raises:
        UserError: names the key and what to write.
    """
    rollout = config.actor_rollout_ref.rollout
    if rollout.max_num_seqs > rollout.max_num_batched_tokens:
        raise UserError(
            f"{ROLLOUT}.max_num_batched_tokens={rollout.max_num_batched_tokens} is less than {ROLLOUT}.max_num_seqs="
            f"{rollout.max_num_seqs}: vLLM refuses to start, since each sequence takes a token per pass. Write "
            f"{ROLLOUT}.max_num_batched_tokens={max(rollout.max_num_seqs, 4096)}."
        )


def _check_group(config: DictConfig) -> None:
    estimator, samples = config.algorithm.adv_estimator, config.actor_rollout_ref.rollout.n
    if samples == 1 and not str(estimator).startswith(ONE_BY_ONE):
        raise UserError(
            f"{ROLLOUT}.n=1 with algorithm.adv_estimator={estimator}: a group of one response has no baseline. "
            f"Write {ROLLOUT}.n=8 (the papers' set-up has 16)."
        )


def _check_critic(config: DictConfig) -> None:
    from verl.trainer.ppo.utils import need_critic

    from recipes.inputs import model_folder

    if not need_critic(config):
        if config.trainer.critic_warmup:
            raise UserError(
                f"trainer.critic_warmup={config.trainer.critic_warmup}: there is no critic, and the policy would not "
                "be trained for as many steps. Write trainer.critic_warmup=0."
            )
        return
    path = str(config.critic.model.path)
    if not model_folder.is_local(path) or not model_folder.folder_of(path).is_dir():
        raise UserError(
            f"algorithm.adv_estimator={config.algorithm.adv_estimator} trains a critic, and critic.model.path={path} "
            "is no folder here. Write algorithm.adv_estimator=grpo, which needs none, or critic.model.path=<a folder>."
        )


def _check_schedule(config: DictConfig) -> None:
    actor, steps = config.actor_rollout_ref.actor, config.trainer.total_training_steps
    warm_up, counted = actor.optim.lr_warmup_steps, steps
    if is_separate(config):  # which counts updates
        counted *= max(1, config.data.train_batch_size // actor.ppo_mini_batch_size)
    if warm_up >= counted and steps > SMOKE_TEST:
        raise UserError(
            f"{OPTIMISER}.lr_warmup_steps={warm_up} with trainer.total_training_steps={steps}: the learning rate would "
            f"never be reached. Write {OPTIMISER}.lr_warmup_steps={counted // 10}."
        )


def _check_kl(config: DictConfig) -> None:
    actor, reference = config.actor_rollout_ref.actor, config.actor_rollout_ref.ref
    uses = {
        f"{ACTOR}.use_kl_loss": (actor.use_kl_loss, f"{ACTOR}.kl_loss_coef", actor.kl_loss_coef),
        "algorithm.use_kl_in_reward": (
            config.algorithm.use_kl_in_reward,
            "algorithm.kl_ctrl.kl_coef",
            config.algorithm.kl_ctrl.kl_coef,
        ),
    }
    for key, (used, coefficient, value) in uses.items():
        if used and value == 0:
            raise UserError(
                f"{key}=true with {coefficient}=0: a reference model would be loaded and asked for nothing. "
                f"Write {coefficient}=0.001, or {key}=false."
            )
        given = reference.log_prob_micro_batch_size_per_gpu or reference.log_prob_micro_batch_size
        if used and not reference.log_prob_use_dynamic_bsz and not given:
            cure = f"{REFERENCE}.log_prob_micro_batch_size_per_gpu"
            size = config.actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu
            raise UserError(f"{key}=true needs the reference's log-probs, and {cure}=null. Write {cure}={size}.")


def _check_validation(config: DictConfig) -> None:
    validation = config.actor_rollout_ref.rollout.val_kwargs
    if not validation.do_sample and validation.n > 1:
        raise UserError(
            f"{VALIDATION}.do_sample=false with {VALIDATION}.n={validation.n}: greedy decoding gives the same response "
            f"{validation.n} times. Write {VALIDATION}.n=1, or {VALIDATION}.do_sample=true."
        )
    if validation.do_sample and validation.temperature == 0:
        raise UserError(
            f"{VALIDATION}.temperature=0 with {VALIDATION}.do_sample=true. Write {VALIDATION}.temperature=1.0, or "
            f"{VALIDATION}.do_sample=false {VALIDATION}.n=1 for greedy decoding."
        )


def _check_correction(config: DictConfig) -> None:
    """verl finds these after the first generation."""
    from verl.trainer.ppo import rollout_corr_helper as verls

    correction = config.algorithm.get("rollout_correction") or {}
    weights, rejection = correction.get("rollout_is"), correction.get("rollout_rs")
    if weights not in (None, "token", "sequence"):
        raise UserError(f"{CORRECTION}.rollout_is={weights}: must be null, token or sequence. Write rollout_is=token.")
    options = [word.strip() for word in str(rejection).split(",")] if rejection is not None else []
    for option in options:
        if option not in verls.SUPPORTED_ROLLOUT_RS_OPTIONS:
            known = ", ".join(sorted(verls.SUPPORTED_ROLLOUT_RS_OPTIONS))
            raise UserError(f"{CORRECTION}.rollout_rs={rejection}: {option} is unknown. Write one of {known}.")
    parsers = {
        "rollout_is_threshold": (weights, lambda given: verls._parse_rollout_is_threshold(given), "2.0"),
        "rollout_rs_threshold": (
            rejection,
            lambda given: verls._parse_rollout_rs_thresholds(options, given),
            "0.999_1.001" if options and options[0].endswith("k1") else "0.01",
        ),
    }
    for key, (used, parse, example) in parsers.items():
        try:
            parse(correction.get(key)) if used is not None else None
        except (ValueError, TypeError, ZeroDivisionError) as error:
            raise UserError(
                f"{CORRECTION}.{key}={correction.get(key)}: {error} Write {CORRECTION}.{key}={example}."
            ) from error
    if (weights or rejection) and not config.actor_rollout_ref.rollout.calculate_log_probs:
        raise UserError(
            f"{ROLLOUT}.calculate_log_probs=false with {CORRECTION}: there is nothing to correct against. "
            f"Write {ROLLOUT}.calculate_log_probs=true."
        )


def _check_filter(config: DictConfig) -> None:
    chosen = config.algorithm.get("filter_groups")
    if chosen and chosen.enable:
        from recipes.checks import reward  # with the scorer, which a plan is quicker without

        ours = config.reward.custom_reward_function.path in reward.BOXED
        if not chosen.metric or (ours and chosen.metric != "acc"):
            raise UserError(
                f"algorithm.filter_groups.metric={chosen.metric}: groups are filtered by whether answers are right; a "
                "shaped reward differs inside a group that is all right or all wrong. Write sampling=dynamic."
            )
    _check_band(config, bool(chosen and chosen.enable))


def _check_band(config: DictConfig, filtered: bool) -> None:
    low, high = config.trainer.v1.rlvr.keep_right_share
    if (low, high) == (0, 1):
        return
    key, samples = f"trainer.v1.rlvr.keep_right_share=[{low},{high}]", config.actor_rollout_ref.rollout.n
    if not filtered:
        raise UserError(f"{key} would have no effect: nothing is dropped. Write sampling=dynamic, or leave it out.")
    if not any(low <= right / samples <= high for right in range(1, samples)):
        raise UserError(
            f"{key}: no number of right answers among {ROLLOUT}.n={samples} is such a share, so nothing could be kept. "
            f"Write a wider one, as trainer.v1.rlvr.keep_right_share=[{1 / samples:g},{1 - 1 / samples:g}]."
        )


def check_ray(config: DictConfig) -> None:
    """What ray.init would refuse, and sizes that Ray would wait for, for ever.

    A placement group takes CPU and GPU per device.

    Raises:
        UserError: names the key and what to write.
    """
    given, devices = config.ray_kwargs.ray_init, config.trainer.n_gpus_per_node
    check_ray_options(given)
    for key in ("num_cpus", "num_gpus"):
        if given.get(key) is not None and given[key] < devices:
            raise UserError(
                f"ray_kwargs.ray_init.{key}={given[key]} is less than trainer.n_gpus_per_node={devices}: Ray would "
                f"wait for ever. Write ray_kwargs.ray_init.{key}={32 * devices if key == 'num_cpus' else devices}."
            )


def check_ray_options(given: DictConfig) -> None:
    """What ray.init would refuse, a minute after the start.

    Raises:
        UserError: an unknown option, one of another type, or a variable that no process could read.
    """
    import ray

    known = inspect.signature(ray.init).parameters
    for key, value in ((str(key), value) for key, value in given.items()):
        if key in known:
            if not isinstance(value, DictConfig):
                types.check_value(f"ray_kwargs.ray_init.{key}", value, known[key].annotation)
        elif not key.startswith("_"):
            hint = nearest(key, known)
            advice = f"Write {hint}" if hint else "Leave it out"
            raise UserError(f"ray_kwargs.ray_init.{key}: ray.init has no such option. {advice}.")
    plain: dict[str, Any] = OmegaConf.to_container(given)  # type: ignore[assignment]
    environment = plain.get("runtime_env") or {}
    _check_variables(environment.get("env_vars") or {})
    _check_runtime_env(environment)
    if (hook := environment.get("worker_process_setup_hook")) is not None:
        _check_setup_hook(hook)


def _check_variables(given: dict[str, Any]) -> None:
    """Ray passes any text on; a worker fails on it minutes later, or begins without it."""
    for name, value in given.items():
        key = f"{RUNTIME}.env_vars.{name}"
        if not isinstance(value, str):
            raise UserError(f"{key}={value!r}: Ray takes text only. Write \"+{key}='{value}'\".")
        for names, form, says, instead in VARIABLES:
            if re.fullmatch(names, str(name)) and not re.fullmatch(form, value):
                raise UserError(f"{key}={value}: must be {says}. Write {key}={instead}.")


def _check_setup_hook(hook: Any) -> None:
    """A worker would import it before anything else, and die."""
    key, why = f"{RUNTIME}.worker_process_setup_hook", "it is no function"
    try:
        found = pkgutil.resolve_name(hook)
    except Exception as error:  # of no dotted name, or whatever a module of the user's raises
        found, why = None, f"it does not load ({type(error).__name__}: {error})"
    if not callable(found):
        raise UserError(f"{key}={hook}: {why}. Write {key}=<module>.<function>, or leave it out.")


def _check_runtime_env(given: dict[str, Any]) -> None:
    """As Ray itself checks it when it starts: folders that are there, packages by one tool only."""
    from ray.runtime_env import RuntimeEnv

    try:
        RuntimeEnv(**given)
    except Exception as error:  # of several kinds, one per field
        raise UserError(
            f"ray_kwargs.ray_init.runtime_env: Ray refuses it ({type(error).__name__}: {error}). Mend the field, or "
            "leave it out."
        ) from error
