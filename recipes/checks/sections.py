"""Sections that were written over: of `ray_kwargs=null` nobody can read a key.

The schema is what the command composes without a word. Which of its keys may be missing depends on the choices; but
where one of them is a section and stands there, it is one in every config.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError

from recipes.common.errors import UserError
from recipes.config.compose import TRAIN, Primary, untold

Keys = Mapping[str, Any]


def check_sections(config: DictConfig, primary: Primary = TRAIN) -> None:
    """Every section of the schema is one.

    Args:
        config: need not be resolved: what refers into a section that is gone could not be.
        primary: which command's.

    Raises:
        UserError: names the section and what to write.
    """
    given: Any = OmegaConf.to_container(config)
    for key, value in _written_over(untold(primary), given, ""):
        shown = "null" if value is None else value
        raise UserError(f"{key}={shown}: is a section, which holds keys. Write {key}.<key>=<value>, or leave it out.")


def _written_over(schema: Keys, given: Keys, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, default in schema.items():
        if not isinstance(default, dict) or name not in given:
            continue
        if isinstance(given[name], dict):
            yield from _written_over(default, given[name], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", given[name]


def untouched(key: str, primary: Primary = TRAIN) -> Any:
    """What a key is where nobody says otherwise; None where that is null, or there is no such key."""
    found: Any = untold(primary)
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


@contextmanager
def naming_what_was_removed() -> Iterator[None]:
    """`~trainer.logger` takes a key away that the block reads.

    Raises:
        UserError: names it.
    """
    try:
        yield
    except (ConfigAttributeError, ConfigKeyError) as error:
        key = error.full_key
        raise UserError(f"{key}: is not in the config. Write {key}=<value>, without ~{key}.") from error
