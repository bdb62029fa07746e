"""LoRA as it is offered: an adapter of the layers' own linear modules, merged into its base for vLLM."""

from omegaconf import DictConfig, ListConfig

from recipes.checks.trainer_mode import is_separate
from recipes.checks.values import ACTOR, MODEL
from recipes.common.errors import UserError

# Of a decoder layer of Qwen2, Qwen3 and Llama. verl merges the adapters of layers only, and vLLM would generate without
# one of the embedding or the output layer.
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def check_lora(config: DictConfig) -> None:
    """Rank, α, modules, and how the adapter reaches vLLM.

    Raises:
        UserError: names the key and what to write.
    """
    model = config.actor_rollout_ref.model
    rank, merge = model.lora_rank, model.lora.merge
    if merge and not rank:
        raise UserError(f"{MODEL}.lora_rank=0: no adapter would be trained, but all weights. Write lora=none.")
    if not rank:
        return
    if not merge:
        raise UserError(
            f"{MODEL}.lora_rank={rank} with {MODEL}.lora.merge=false: vLLM would apply the adapter itself, and its "
            f"weights could not be compared with the trainer's. Write lora=r64 {MODEL}.lora_rank={rank}."
        )
    modules = model.target_modules
    named = modules if isinstance(modules, ListConfig) else [modules]
    if modules != "all-linear" and not (named and all(name in LINEAR for name in named)):
        raise UserError(f"{MODEL}.target_modules={modules}: write all-linear, or a list of {', '.join(LINEAR)}.")
    if model.get("exclude_modules") is not None:  # a pattern, which may leave nothing to train
        raise UserError(
            f"{MODEL}.exclude_modules={model.exclude_modules}: an adapter is of the modules that are named. Write "
            f"{MODEL}.exclude_modules=null {MODEL}.target_modules=[q_proj,v_proj], or others of {', '.join(LINEAR)}."
        )
    if model.get("target_parameters"):
        raise UserError(f"{MODEL}.target_parameters is for mixtures of experts. Write {MODEL}.target_parameters=null.")
    actor = config.actor_rollout_ref.actor
    if actor.strategy != "fsdp2":
        raise UserError(f"{ACTOR}.strategy={actor.strategy} with LoRA is not tested. Write {ACTOR}.strategy=fsdp2.")
    if actor.checkpoint.get("save_lora_only"):
        key = f"{ACTOR}.checkpoint.save_lora_only"
        raise UserError(f"{key}=true: the shards could not be merged without their base. Write {key}=false.")
    if is_separate(config):
        raise UserError("LoRA with trainer_mode=separate_async is not tested. Write trainer_mode=sync, or lora=none.")
