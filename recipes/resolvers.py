"""OmegaConf resolvers used in configs/."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.prepared import prepared_path


def builder_call(config: DictConfig, kind: str) -> tuple[str, dict[str, Any]]:
    """The builder named in `prepare.<kind>`: its dotted name and its arguments."""
    arguments: dict[str, Any] = OmegaConf.to_container(config.prepare[kind], resolve=True)  # type: ignore[assignment]
    return arguments.pop("_target_"), arguments


def _prepared(kind: str, file: str = "", *, _root_: DictConfig) -> str:
    """`${prepared:model}` or `${prepared:data,train.parquet}`: where `prepare.<kind>` puts its result."""
    path = prepared_path(*builder_call(_root_, kind))
    return str(path / file if file else path)


def register() -> None:
    """Make the resolvers known; safe to call again."""
    OmegaConf.register_new_resolver("prepared", _prepared, replace=True)
    OmegaConf.register_new_resolver("absolute", lambda path: str(Path(path).expanduser().absolute()), replace=True)
    OmegaConf.register_new_resolver("sum", lambda *numbers: sum(numbers), replace=True)
    OmegaConf.register_new_resolver("share", lambda whole, part: int(whole * part), replace=True)
