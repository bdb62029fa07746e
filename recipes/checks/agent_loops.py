"""The agent loops that a row of the data may ask for by name: verl's, and those of a file of the user's."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common.errors import UserError

KEY = "actor_rollout_ref.rollout.agent.agent_loop_config_path"


def path(config: DictConfig) -> str | None:
    """Of the user's file; None without one."""
    found: str | None = OmegaConf.select(config, KEY)
    return found


def names(config: DictConfig) -> frozenset[str]:
    """All of them; a worker would load the file minutes later.

    Raises:
        UserError: the file, or a class that it names, does not load.
    """
    from hydra.utils import get_object
    from verl.experimental.agent_loop.agent_loop import _agent_loop_registry
    from verl.experimental.agent_loop.utils import resolve_config_path

    file = path(config)
    try:
        more: Any = OmegaConf.load(resolve_config_path(file)) if file else []
        for one in more:
            get_object(one["_target_"])
        return frozenset(_agent_loop_registry) | {str(one["name"]) for one in more}
    except Exception as error:  # of a file of the user's: not there, no YAML, no list of names
        why = " ".join(str(error).split())
        raise UserError(
            f"{KEY}={file}: {type(error).__name__}: {why}. Write the path of a YAML list of {{name, _target_}}, or "
            f"{KEY}=null."
        ) from error
