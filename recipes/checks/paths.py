"""What this project reads one way and verl another is written into the config as verl needs it."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from recipes.common.errors import UserError

KEYS = (
    "actor_rollout_ref.model.path",
    "actor_rollout_ref.model.tokenizer_path",
    "actor_rollout_ref.rollout.agent.agent_loop_config_path",
    "critic.model.path",
    "data.custom_cls.path",
    "data.function_tool_path",
    "data.tool_config_path",
    "data.train_files",
    "data.val_files",
    "reward.custom_reward_function.path",
)
VARIABLES = "ray_kwargs.ray_init.runtime_env.env_vars"


def normalise(config: DictConfig) -> None:
    """Write `~` out, drop a slash at the end, and make numbers among variables the text that Ray asks for.

    Args:
        config: resolved; changed in place.

    Raises:
        UserError: a variable is neither text nor a number.
    """
    with open_dict(config):
        for key in KEYS:
            given = OmegaConf.select(config, key)
            written: Any = [_plain(one) for one in given] if isinstance(given, ListConfig) else _plain(given)
            if written != given:
                OmegaConf.update(config, key, written)
        for name, value in (OmegaConf.select(config, VARIABLES) or {}).items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise UserError(f"{VARIABLES}.{name}={value}: a variable is a text. Write +{VARIABLES}.{name}=\\'1\\'.")
            OmegaConf.update(config, f"{VARIABLES}.{name}", str(value))


def _plain(given: Any) -> Any:
    if not isinstance(given, str) or not given.startswith(("~", "/", "./", "../")):
        return given  # null, a hub id, pkg://, hdfs://
    return str(Path(given).expanduser()) if given.startswith("~") or given.endswith("/") else given
