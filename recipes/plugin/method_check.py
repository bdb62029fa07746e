"""Options that contradict the chosen policy loss, found from the config alone."""

from omegaconf import DictConfig

from recipes.common.errors import UserError

ROLLOUT_ANCHOR = "rollout"  # configs/anchor
SAMPLED = "processed_logprobs"  # vLLM's, after temperature and truncation
TRAINER_MODES = ("rlvr", "rlvr_separate_async")  # recipes.plugin.trainer


def check_method(config: DictConfig) -> None:
    """The method's own rules, and what would train something else than it says.

    Raises:
        UserError: names the key and what to write.
        ValueError, InstantiationException: from the method's dataclass, with the same content.
    """
    from verl.utils.config import omega_conf_to_dataclass

    from losses.extras import ENTROPY
    from losses.method import MethodConfig

    actor = config.actor_rollout_ref.actor
    method = omega_conf_to_dataclass(actor.policy_loss)
    _check_trainer(config)
    _check_bypass(config, getattr(method, "rollout_anchor", False))
    _check_scale(config)
    _check_estimator(config)
    if not isinstance(method, MethodConfig):
        return
    method.check_actor(actor)
    if ENTROPY in method.all_needs and not actor.calculate_entropy:
        raise UserError(
            f"actor_rollout_ref.actor.calculate_entropy={actor.calculate_entropy}: policy_loss.top_entropy_share needs "
            "the entropy of every token. Write actor_rollout_ref.actor.calculate_entropy=true."
        )
    if method.all_needs and config.trainer.v1.trainer_mode not in TRAINER_MODES:
        raise UserError(
            f"trainer.v1.trainer_mode={config.trainer.v1.trainer_mode}: policy_loss={method.method} needs "
            f"{', '.join(sorted(method.all_needs))}, which only our trainers hand to a loss. "
            f"Write trainer.v1.trainer_mode={TRAINER_MODES[0]}."
        )


def _check_trainer(config: DictConfig) -> None:
    from verl.trainer.ppo.v1.trainer_base import TRAINER_REGISTRY

    name, known = config.trainer.v1.trainer_mode, sorted({*TRAINER_MODES, *TRAINER_REGISTRY})
    if name not in known:
        raise UserError(
            f"trainer.v1.trainer_mode={name}: must be one of {', '.join(known)}. Write trainer.v1.trainer_mode="
            f"{TRAINER_MODES[0]}."
        )


def _check_bypass(config: DictConfig, rollout_anchor: bool) -> None:
    """verl's bypass mode takes the rollout's log-probs as π_old, and with its own loss ignores the chosen one."""
    correction = config.algorithm.get("rollout_correction")
    loss_mode = config.actor_rollout_ref.actor.policy_loss.loss_mode
    if correction and correction.get("bypass_mode", False):
        _check_anchor(config, rollout_anchor)
    elif config.get("anchor") == ROLLOUT_ANCHOR:
        raise UserError(
            "anchor=rollout with algorithm.rollout_correction.bypass_mode=false: π_old would be the trainer's. Leave "
            "bypass_mode out, or write anchor=method."
        )
    if loss_mode == "bypass_mode":
        raise UserError(
            "actor_rollout_ref.actor.policy_loss.loss_mode=bypass_mode drops the chosen method. Leave it out."
        )


def _check_anchor(config: DictConfig, rollout_anchor: bool) -> None:
    """Bypass mode is meant, and what it takes as π_old is the policy that sampled."""
    correction, rollout = config.algorithm.rollout_correction, config.actor_rollout_ref.rollout
    loss_mode = config.actor_rollout_ref.actor.policy_loss.loss_mode
    if not rollout_anchor and config.get("anchor") != ROLLOUT_ANCHOR:
        raise UserError(
            f"algorithm.rollout_correction.bypass_mode=true: {loss_mode} is defined against π_old, which bypass mode "
            "replaces by the rollout's log-probs. Write algorithm.rollout_correction.bypass_mode=false (the decoupled "
            "mode hands its importance weights to every method here), or anchor=rollout if that is meant."
        )
    for name in ("rollout_is", "rollout_rs"):
        if correction.get(name) is not None:
            raise UserError(
                f"algorithm.rollout_correction.{name}={correction[name]} with bypass_mode=true: {loss_mode} takes its "
                "ratios from the rollout's log-probs already, and verl would ignore the correction without a word. "
                "Write rollout_correction=none."
            )
    if not rollout.calculate_log_probs:
        raise UserError(
            "actor_rollout_ref.rollout.calculate_log_probs=false with bypass_mode=true: there would be no π_old. Write "
            "actor_rollout_ref.rollout.calculate_log_probs=true."
        )
    if rollout.get("logprobs_mode", SAMPLED) != SAMPLED:
        raise UserError(
            f"actor_rollout_ref.rollout.logprobs_mode={rollout.logprobs_mode} with bypass_mode=true: π_old would not "
            f"be the distribution that was sampled from. Write actor_rollout_ref.rollout.logprobs_mode={SAMPLED}."
        )


def _check_estimator(config: DictConfig) -> None:
    from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY

    name = config.algorithm.adv_estimator
    if name not in ADV_ESTIMATOR_REGISTRY:
        known = ", ".join(sorted(ADV_ESTIMATOR_REGISTRY))
        raise UserError(f"algorithm.adv_estimator={name} is not registered. Write one of {known}.")


def _check_scale(config: DictConfig) -> None:
    actor = config.actor_rollout_ref.actor
    if actor.loss_agg_mode == "seq-mean-token-sum-norm" and actor.loss_scale_factor is None:
        key = "actor_rollout_ref.actor.loss_scale_factor"
        raise UserError(
            f"{key}=null with loss_agg_mode=seq-mean-token-sum-norm: verl divides by the padded width of each "
            f"micro-batch, so the loss depends on how the batch is cut. Write {key}={config.data.max_response_length}."
        )
