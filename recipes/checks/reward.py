"""What can be wrong with the reward before Ray starts."""

from importlib.util import find_spec
from typing import Any

from jinja2 import TemplateError
from omegaconf import DictConfig, OmegaConf

from recipes.common.errors import UserError
from recipes.inputs.tokenizer import load_tokenizer, opens_thinking
from reward.extraction import THINK_CLOSE, THINK_OPEN

KEY = "reward.custom_reward_function"
OURS = "pkg://reward.verl_entry"
PROCEDURAL = "pkg://reward.procedural"
BOXED = (OURS, PROCEDURAL)  # look for the answer in the last box after the thinking


def check_reward(config: DictConfig) -> None:
    """The reward function loads, its options are known, and the scorer passes a self-test through its processes.

    Raises:
        UserError: names the key and what to write.
    """
    from verl.trainer.ppo.reward import get_custom_reward_fn

    path = config.reward.custom_reward_function.path
    try:
        found = get_custom_reward_fn(config)
    except Exception as error:  # any exception of a user's module, or of the parser underneath
        raise UserError(
            f"{KEY}.path={path}: {type(error).__name__}: {error}. Write {KEY}.path={OURS} for this project's, or the "
            f"path of a Python file (pkg://<module> for a module) and {KEY}.name=<function>."
        ) from error
    if found is None:
        raise UserError(f"{KEY}.path is empty: verl would use its own. Write {KEY}.path={OURS}.")
    if path == PROCEDURAL and find_spec("reasoning_gym") is None:
        raise UserError(
            f"data=reasoning_gym ({KEY}.path={path}): reasoning-gym is not installed here. Install gcc and Python's "
            "headers, which one of its packages is compiled with, then run `bash scripts/setup.sh` once more, or "
            "`pip install reasoning-gym==0.1.25`."
        )
    if path in BOXED:
        check_scorer(_options(config))
    _check_manager(config)
    _check_overlong(config)


def _check_manager(config: DictConfig) -> None:
    from verl.experimental.reward_loop.reward_manager.registry import REWARD_MANAGER

    manager, key = config.reward.reward_manager, "reward.reward_manager.name"
    if manager.source == "register" and manager.name not in REWARD_MANAGER:
        raise UserError(f"{key}={manager.name}: must be one of {', '.join(sorted(REWARD_MANAGER))}. Write {key}=naive.")


def _options(config: DictConfig) -> dict[str, Any]:
    given = OmegaConf.to_container(config.reward.custom_reward_function.get("reward_kwargs") or OmegaConf.create())
    return {str(key): value for key, value in given.items()}  # type: ignore[union-attr]


def check_scorer(given: dict[str, Any]) -> None:
    """This project's scorer has these options, and works here, through its processes.

    Args:
        given: fields of reward.options.RewardOptions.

    Raises:
        UserError: an option is unknown, or says why the scorer fails.
    """
    from reward.options import RewardOptions
    from reward.self_test import self_test

    try:
        self_test(RewardOptions.of(given))
    except (ValueError, RuntimeError) as error:
        raise UserError(str(error)) from error


def _check_overlong(config: DictConfig) -> None:
    """DAPO's overlong shaping is verl's `dapo` reward manager; it stops inside its workers where this is not said."""
    shaping = (config.reward.get("reward_kwargs") or {}).get("overlong_buffer_cfg")
    if not shaping or not shaping.get("enable"):
        return
    key, manager = "reward.reward_kwargs", config.reward.reward_manager.name
    if manager != "dapo":
        raise UserError(
            f"{key}.overlong_buffer_cfg.enable=true, but reward.reward_manager.name={manager} does not shape rewards. "
            "Write reward_shaping=overlong, or reward.reward_manager.name=dapo."
        )
    longest, buffer = config.reward.reward_kwargs.get("max_resp_len"), shaping.get("len")
    if longest != config.data.max_response_length:
        raise UserError(
            f"{key}.max_resp_len={longest} differs from data.max_response_length={config.data.max_response_length}: "
            f"write {key}.max_resp_len=${{data.max_response_length}}."
        )
    if not isinstance(buffer, int) or not 0 < buffer < longest:
        raise UserError(
            f"{key}.overlong_buffer_cfg.len={buffer}: must lie between 0 and data.max_response_length={longest} "
            f"(DAPO: 4096 of 20480). Write {key}.overlong_buffer_cfg.len={max(longest // 5, 1)}."
        )


def check_thinking(config: DictConfig) -> None:
    """Extraction knows whether the prompt has opened `<think>`: only the text after `</think>` is an answer.

    Raises:
        UserError: the chat template and reward_kwargs.thinking_open differ, or decoding would drop `</think>`.
    """
    if config.reward.custom_reward_function.path not in BOXED:
        return
    model = config.actor_rollout_ref.model
    path, tokenizer = model.get("tokenizer_path") or model.path, load_tokenizer(model)
    template = model.get("custom_chat_template") or tokenizer.chat_template
    if template is None:
        return
    more: Any = OmegaConf.to_container(config.data.get("apply_chat_template_kwargs") or OmegaConf.create())
    try:
        opens = opens_thinking(tokenizer, template, **more)
    except TemplateError as error:
        key = "actor_rollout_ref.model.custom_chat_template"
        raise UserError(f"{key}: not a chat template ({error}). Write {key}=null for the tokenizer's own.") from error
    said = bool(_options(config).get("thinking_open", False))
    if opens != said:
        raise UserError(
            f"{KEY}.reward_kwargs.thinking_open={str(said).lower()}, but the chat template of {path} "
            f"{'ends the prompt with' if opens else 'does not end the prompt with'} {THINK_OPEN}: "
            f"{'a box in unfinished thoughts would be paid' if opens else 'every response would count as cut off'}. "
            f"Write ++{KEY}.reward_kwargs.thinking_open={str(opens).lower()}."
        )
    if THINK_CLOSE in tokenizer.all_special_tokens:
        raise UserError(
            f"actor_rollout_ref.model.path={path}: its tokenizer makes {THINK_CLOSE} a special token, which verl drops "
            "when it decodes a response, so that no answer could be told from a thought. Set 'special' to false for "
            "it in tokenizer.json and tokenizer_config.json."
        )
