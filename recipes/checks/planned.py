"""What a training would refuse as far as its config alone says it: what a plan asks, which is made anywhere.

No file of data, no GPU and no Ray is needed, and verl is not loaded, which takes longer than a plan.
"""

from omegaconf import DictConfig

from recipes.checks import lora, options, sizes, trainer_mode, unsupported, values
from recipes.checks.values import ACTOR, ENGINE, MODEL, ROLLOUT
from recipes.common.numbers import is_integer
from recipes.common.rules import Rule, flag, or_null, whole
from recipes.config import hardware
from recipes.inputs import architecture

# What a plan reads and values.RULES leave out: a training asks verl's dataclasses for their types.
RULES = (
    Rule(f"{ENGINE}.fsdp_size", lambda n: is_integer(n) and (n == -1 or n > 0), "-1 (all) or an integer >= 1", -1),
    whole(f"{ENGINE}.entropy_from_logits_chunk_size", 1, 2048),
    whole(f"{ROLLOUT}.nnodes", 0, 0),
    whole(f"{ROLLOUT}.n_gpus_per_node", 0, 8),
    or_null(whole(f"{ROLLOUT}.max_model_len", 1, 9216)),
    *(
        flag(key, instead)
        for instead, keys in {
            "false": (
                f"{ENGINE}.param_offload",
                f"{ENGINE}.optimizer_offload",
                f"{ENGINE}.offload_policy",
                f"{ENGINE}.entropy_checkpointing",
                f"{ENGINE}.entropy_from_logits_with_chunking",
                f"{ENGINE}.use_no_sync_for_gradient_accumulation",
                f"{MODEL}.enable_activation_offload",
                f"{MODEL}.use_fused_kernels",
                f"{ACTOR}.calculate_entropy",
                f"{ACTOR}.use_kl_loss",
                "algorithm.filter_groups.enable",
            ),
            "true": (
                f"{ENGINE}.reshard_after_forward",
                f"{MODEL}.enable_gradient_checkpointing",
                f"{MODEL}.use_remove_padding",
                f"{ACTOR}.use_dynamic_bsz",
                f"{ROLLOUT}.log_prob_use_dynamic_bsz",
                f"{ROLLOUT}.free_cache_engine",
                f"{ROLLOUT}.calculate_log_probs",
            ),
        }.items()
        for key in keys
    ),
)


def check_planned(config: DictConfig) -> None:
    """Everything that a plan can be wrong about, in a training's order.

    Args:
        config: resolved.

    Raises:
        UserError: names the key and what to write.
    """
    hardware.check_preset(config)
    unsupported.check_unsupported(config)
    values.check_values(config)
    values.check_values(config, RULES)
    options.check_options_alone(config)
    sizes.check_sizes(config)
    trainer_mode.check_trainer_mode(config)
    lora.check_lora(config)
    facts = architecture.facts_of(config)
    unsupported.check_model(config, facts)
    sizes.check_model(config, facts)
