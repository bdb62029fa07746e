"""What verl can and this project can't: said by name, with where to go instead. docs/support.md is the whole list.

Some of it verl would start and this project would then get wrong without a word (the scores of a reward model), some
of it nobody has tried. Words that are misspelt are not looked for here but in values.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.checks.values import ACTOR, MODEL, ROLLOUT
from recipes.common.errors import UserError

DROP_IN = "docs/drop-in.md: the losses load in a verl command of your own, where nobody has tried them with it"
PAGE = "See docs/support.md."


@dataclass(frozen=True)
class Unsupported:
    """One thing that is not here.

    Attributes:
        key: dotted, of verl's config.
        asked: whether a value of it asks for the thing.
        why: why not, after "is not supported".
        instead: what to write.
    """

    key: str
    asked: Callable[[Any], bool]
    why: str
    instead: str


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


_BACKENDS = _one_of("megatron", "veomni", "torchtitan", "automodel", "mindspeed")
TABLE = (
    Unsupported("model_engine", _BACKENDS, f"training runs on FSDP2 ({DROP_IN})", "model_engine=dp"),
    Unsupported(f"{ACTOR}.strategy", _BACKENDS, f"training runs on FSDP2 ({DROP_IN})", f"{ACTOR}.strategy=fsdp2"),
    Unsupported(
        f"{ROLLOUT}.name", _one_of("sglang", "trtllm", "hf"), f"vLLM generates ({DROP_IN})", f"{ROLLOUT}.name=vllm"
    ),
    Unsupported(
        "hardware.device", _one_of("npu", "xpu", "rocm", "hip"), "GPUs are NVIDIA's", "hardware=8x80gb or hardware=cpu"
    ),
    Unsupported(f"{MODEL}.lora.rank", _is_positive, "FSDP2 does not read it", f"lora=r64, or {MODEL}.lora_rank=<rank>"),
    Unsupported(
        f"{MODEL}.lora_adapter_path",
        bool,
        "a run begins with a new adapter",
        f"{MODEL}.path=<the adapter merged into its base> (docs/lora.md)",
    ),
    Unsupported(
        f"{ROLLOUT}.quantization", bool, "vLLM has to hold the trainer's own weights", f"{ROLLOUT}.quantization=null"
    ),
    Unsupported(f"{ACTOR}.qat.enable", bool, "weights are not quantised in training", f"{ACTOR}.qat.enable=false"),
    Unsupported(f"{MODEL}.mtp.enable", bool, "nobody has tried it", f"{MODEL}.mtp.enable=false"),
    Unsupported(f"{ROLLOUT}.multi_turn.enable", bool, "a response is one turn", f"{ROLLOUT}.multi_turn.enable=false"),
    Unsupported(
        f"{ROLLOUT}.agent.default_agent_loop",
        _one_of("tool_agent"),
        "a response is one turn",
        f"{ROLLOUT}.agent.default_agent_loop=single_turn_agent",
    ),
    Unsupported(
        f"{ROLLOUT}.disaggregation.enabled", bool, "nobody has tried it", f"{ROLLOUT}.disaggregation.enabled=false"
    ),
    Unsupported(
        f"{ROLLOUT}.checkpoint_engine.backend",
        _one_of("delta_sharded"),
        "whole weights travel, and are compared after each transfer",
        f"{ROLLOUT}.checkpoint_engine.backend=nccl",
    ),
    Unsupported(
        "reward.reward_model.enable",
        bool,
        "rewards are verified, not learnt; a function may ask a model (docs/own-verifier.md)",
        "reward.reward_model.enable=false",
    ),
    Unsupported(
        "trainer.v1.trainer_mode",
        _one_of("colocate_async"),
        "it was tried on a CPU only, where vLLM never sleeps, and neither stopped nor resumed",
        "trainer_mode=sync, or trainer_mode=separate_async for further GPUs that generate",
    ),
    Unsupported("distillation.enabled", bool, "there is no teacher here", "distillation.enabled=false"),
)
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")  # of Qwen, Mixtral, DeepSeek
OTHER_SENSES = ("vision_config", "audio_config")


def check_unsupported(config: DictConfig) -> None:
    """Nothing of the table is asked for.

    Raises:
        UserError: names the key, why not, and what to write.
    """
    for one in TABLE:
        value = OmegaConf.select(config, one.key)
        if one.asked(value):
            raise UserError(f"{one.key}={value} is not supported: {one.why}. Write {one.instead}. {PAGE}")


def check_model(config: DictConfig, architecture: Mapping[str, Any]) -> None:
    """A dense model of text.

    Args:
        config: resolved.
        architecture: config.json of the model.

    Raises:
        UserError: it is a mixture of experts, or sees or hears.
    """
    named = f"{MODEL}.path={config.actor_rollout_ref.model.path}"
    if any(_is_positive(architecture.get(key)) and architecture[key] > 1 for key in EXPERTS):
        raise UserError(
            f"{named}: mixtures of experts are not supported: vLLM keeps their weights in another form, which can't be "
            f"compared with the trainer's. Choose a dense model, as model=deepseek-r1-distill-qwen-7b. {PAGE}"
        )
    if any(key in architecture for key in OTHER_SENSES):
        raise UserError(
            f"{named}: models that see or hear are not supported: problems are text. Choose a model of text, as "
            f"model=deepseek-r1-distill-qwen-7b. {PAGE}"
        )
