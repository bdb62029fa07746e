"""Values of the wrong kind: verl's dataclasses declare the type of every option, and check none of them.

`use_kl_loss=no_` is text, which Python takes for true; `optim.lr="'1e-6'"` fails in the optimiser, on a GPU.
"""

import json
import pkgutil
from collections.abc import Iterable
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, ListConfig, OmegaConf
from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from recipes.checks import sections
from recipes.common.errors import UserError
from recipes.common.suggestions import nearest
from recipes.config.compose import TRAIN, Primary

SECTIONS = ("actor_rollout_ref", "algorithm", "trainer.v1.separate_async.hybrid_rollout")
# A method's own dataclass checks its options, and says more than their type.
CHECKED_ELSEWHERE = "actor_rollout_ref.actor.policy_loss"
# verl renames keys of this section before it makes an actor's dataclass of it.
OTHER_NAMES = "actor_rollout_ref.ref"

# type → its name, and what could be written
NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "text", list: "a list", tuple: "a list"}


def check_types(config: DictConfig, keys: Iterable[str] = SECTIONS, primary: Primary = TRAIN) -> None:
    """Every value of the sections that verl turns into dataclasses is of the declared type, and every key declared.

    Args:
        config: resolved.
        keys: of the sections.
        primary: which command's config it is.

    Raises:
        UserError: names the key and what to write.
    """
    for key in keys:
        _check_section(key, OmegaConf.select(config, key), None, primary)


def _check_section(key: str, node: DictConfig, declared: type | None, primary: Primary) -> None:
    kind = _named(key, node["_target_"]) if "_target_" in node else declared
    if key == CHECKED_ELSEWHERE:
        return
    hints = get_type_hints(kind) if kind else {}
    for name, value in ((str(key), value) for key, value in node.items()):
        where = f"{key}.{name}"
        if kind and name not in hints and key != OTHER_NAMES:
            raise UserError(_unknown(where, name, list(hints)))
        if isinstance(value, DictConfig):
            _check_section(where, value, _dataclass_of(hints.get(name)), primary)
        elif value is None and not may_be_null(hints.get(name, Any)) and sections.untouched(where, primary) is not None:
            shown = described(hints[name])
            raise UserError(f"{where}=null: must be {shown}. Write {where}=<{shown}>, or leave it out.")
        else:
            check_value(where, value, hints.get(name, Any))


def _named(key: str, target: Any) -> type:
    """The dataclass that a section is made into."""
    try:
        found = pkgutil.resolve_name(target)
    except Exception as error:  # of no dotted name, or whatever a module of the user's raises
        raise UserError(
            f"{key}._target_={target}: names no class ({type(error).__name__}: {error}). Leave it out."
        ) from error
    if not isinstance(found, type):
        raise UserError(f"{key}._target_={target}: is no class. Leave it out.")
    return found


def _unknown(where: str, name: str, known: list[str]) -> str:
    hint = nearest(name, known)
    advice = f"Write {where.removesuffix(name)}{hint}=<value>." if hint else "Write it without, or see --cfg job."
    return f"{where}: verl 0.9.1 knows no such key. {advice}"


def _dataclass_of(hint: Any) -> type | None:
    """The dataclass in `X` or `X | None`."""
    found = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and is_dataclass(kind)]
    return found[0] if found else None


def check_value(key: str, value: Any, hint: Any) -> None:
    """A value is of the type that is declared for it.

    Raises:
        UserError: names the key and the type.
    """
    if isinstance(value, ListConfig):
        value = OmegaConf.to_container(value)
    if not fits(value, hint):
        raise UserError(f"{key}={value!r}: must be {described(hint)}. Write {key}=<{described(hint)}>{_quoted(value)}.")


def _quoted(value: Any) -> str:
    return ", without quotes" if isinstance(value, str) else ""


def described(hint: Any) -> str:
    """`int | None` → an integer or null."""
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(described(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return " or ".join(str(option) for option in get_args(hint))
    return "null" if hint is NoneType else NAMES.get(get_origin(hint) or hint, str(hint))


def may_be_null(hint: Any) -> bool:
    """Whether null is declared for a key, as it need not be where verl's own YAML says it."""
    return hint in (Any, NoneType) or NoneType in get_args(hint)


def fits(value: Any, hint: Any) -> bool:
    """Whether a YAML value can stand where `hint` is declared; null always can, and means verl's own default."""
    adapter = _adapter(hint)
    if value is None or adapter is None:
        return True
    try:
        adapter.validate_json(json.dumps(value), strict=True)  # as JSON, so that a list can be a tuple
    except ValidationError:
        return False
    return True


@cache
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    """What checks values for a type; None for a class that no YAML value is an instance of."""
    try:
        return TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        return None
