"""Compose a command's config from Hydra overrides, and say in one line why one of them can't be meant.

Hydra names the key and stops there; here the nearest key or choice and what to write are added. Every command that has
a config gets it from `compose`, and so does whatever else needs one (launcher, planner, figures).
"""

import pickle
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.common.secrets import is_secret_name, redacted_text
from recipes.common.suggestions import nearest, nearest_key
from recipes.config import command_line, resolvers
from recipes.config.hardware import OWN_MODEL

SHARED = "base"  # in a group, what its choices share
# Sections of verl's config that nothing here trains: a key is never meant to be in one of them.
UNUSED = re.compile(r"(critic|distillation|custom_reward_function|reward_model|sandbox_fusion|reward\.reward_model)\b")
MEANT = {"model_path": "folder or hub id"}  # what stands for ??? in our configs
SEARCHED = "hydra.searchpath"  # where Hydra looks for a group's files


@dataclass(frozen=True)
class Primary:
    """A primary config: what one command composes.

    Attributes:
        command: as in `python -m <command>`.
        file: of the config.
        groups: folders beside it of which one file is chosen.
        added: where Hydra looks for such folders besides, as file:///home/me/configs.
        inside: the part of a `--config-dir` that is this command's, where there is one, as ours is a part of configs/.
    """

    command: str
    file: Path
    groups: tuple[str, ...]
    added: tuple[str, ...] = ()
    inside: str = ""


TRAIN = Primary(
    "recipes.train",
    config_dir() / "train.yaml",
    # All folders but the other commands' and the one that train.yaml always includes.
    tuple(
        sorted({path.name for path in config_dir().iterdir() if path.is_dir()} - {"eval", "prepare", "study", SHARED})
    ),
)
EVALUATE = Primary("recipes.evaluate", config_dir() / "evaluate.yaml", ("eval", "hardware", "model"))
STUDY = Primary("recipes.study", config_dir() / "study" / "study.yaml", ("world",))
PREPARE = Primary(
    "recipes.prepare_data", config_dir() / "prepare" / "prepare.yaml", ("data", "template"), inside="prepare"
)


def compose(words: Sequence[str], primary: Primary = TRAIN, about: str = "") -> DictConfig:
    """The config of a command line, its interpolations not yet resolved.

    Args:
        words: overrides and flags.
        primary: which command's.
        about: what `--help` says first.

    Raises:
        UserError: it does not compose; names the override and what to write.
        SystemExit: `--help` or `--cfg job` has printed what was asked for; there is nothing more to do.
    """
    resolvers.register()
    flags = command_line.parse(words, primary.command)
    overrides = [_parsed(word) for word in flags.overrides]
    primary = replace(primary, added=(*primary.added, *_added(flags, overrides, primary)))
    overrides = [override for override in overrides if override.key_or_group != SEARCHED]
    if flags.help:
        groups = [(group, choices(group, primary)) for group in primary.groups]
        print(command_line.help_text(primary.command, about, groups))
        raise SystemExit(0)
    config = _checked(overrides, primary)
    if flags.cfg:
        print(redacted_text(command_line.config_text(config, flags)), end="")
        raise SystemExit(0)
    return config


def added(words: Sequence[str], primary: Primary = TRAIN) -> tuple[str, ...]:
    """The places that a command line adds to those where Hydra looks, for a config of another command."""
    flags = command_line.parse(words, primary.command)
    return _added(flags, [_parsed(word) for word in flags.overrides], primary)


def _added(flags: command_line.Flags, overrides: Sequence[Override], primary: Primary) -> tuple[str, ...]:
    return (*_from_flags(flags.config_dir, primary), *_from_override(overrides, primary))


def _checked(overrides: Sequence[Override], primary: Primary) -> DictConfig:
    """Compose, and say what was meant where that fails or makes a key that nothing reads."""
    chosen = _chosen(overrides, primary)
    for override in overrides:
        _check_choice(override, primary)
    for override in overrides:  # which composes the choices
        _check_section(override, chosen, primary)
    try:
        config = _compose(overrides, primary)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise UserError(redacted_text(_explained(error, overrides, primary))) from error
    HydraConfig.instance().set_config(config)  # ${hydra:runtime.choices...} in run names
    with open_dict(config):
        del config["hydra"]
    _check_forced(overrides, primary)
    return config


def _from_flags(folders: Sequence[str], primary: Primary) -> list[str]:
    """What `--config-dir` adds to the places where Hydra looks."""
    for folder in folders:
        if not Path(folder).is_dir():
            raise UserError(f"--config-dir={folder}: there is no such folder.")
    parts = [Path(folder, primary.inside) for folder in folders]
    own = [part if part.is_dir() else Path(folder) for part, folder in zip(parts, folders, strict=True)]
    return [f"file://{place.absolute()}" for place in own]


def _from_override(overrides: Sequence[Override], primary: Primary) -> list[str]:
    """What `hydra.searchpath=[...]` adds."""
    given = next((override.value() for override in overrides if override.key_or_group == SEARCHED), [])
    if not isinstance(given, list):
        raise UserError(f"{SEARCHED}={given}: must be a list. Write '{SEARCHED}=[file:///home/me/configs]'.")
    return [str(place) for place in given if place not in _own_places(primary)]


def _own_places(primary: Primary) -> list[str]:
    return list(OmegaConf.select(OmegaConf.load(primary.file), SEARCHED) or [])


def resolved(config: DictConfig) -> DictConfig:
    """A copy with every interpolation replaced by its value.

    Raises:
        UserError: an interpolation has no value.
    """
    copy = _copied(config)
    with resolving(config):
        _fill(copy)
    OmegaConf.set_struct(copy, True)
    return copy


def _copied(config: DictConfig) -> DictConfig:
    """By pickle: in a third of the time of copy.deepcopy, which runs in Python."""
    copy: DictConfig = pickle.loads(pickle.dumps(config))
    return copy


def _fill(part: Any) -> None:
    """Values in place of interpolations; OmegaConf.resolve passes over those of a value that is not given."""
    for key in list(part) if isinstance(part, DictConfig) else range(len(part)):
        node = part._get_node(key)
        stands_for_another = node._is_interpolation()
        value = part[key] if stands_for_another else node
        if OmegaConf.is_config(value) and not (value._is_none() or value._is_missing()):
            _fill(value)  # where it stands: ${..key} counts from there
        if stands_for_another:
            part[key] = value


@contextmanager
def resolving(config: DictConfig) -> Iterator[None]:
    """Whatever OmegaConf says of the config's interpolations in the block becomes the user's, with the key.

    Raises:
        UserError: a value that the config needs is not given, or an interpolation has none.
    """
    try:
        yield
    except OmegaConfBaseException as error:
        raise UserError(redacted_text(_without_value(error, config))) from error


def _without_value(error: OmegaConfBaseException, config: DictConfig) -> str:
    """Why a key has no value, and what it is reckoned from: somebody has written one of these."""
    if missing := re.search(r"Missing mandatory value: ([\w.]+)", str(error)):
        return f"{missing[1]}: is not given. Write {missing[1]}=<{MEANT.get(missing[1], 'value')}>."
    why = str(error).partition("\n    full_key:")[0]
    kind, _, own = why.partition(" raised while resolving interpolation: ")
    if kind == UserError.__name__:
        return own
    raw = error.child_node._value() if error.child_node is not None else ""
    names = re.findall(r"\$\{([A-Za-z_][\w.]*)\}", str(raw))
    parts = {name: OmegaConf.select(config, name) for name in dict.fromkeys(names)}
    shown = ", ".join(f"{name}={'…' if OmegaConf.is_config(part) else _shown(part)}" for name, part in parts.items())
    made_of = f" It is reckoned from {shown}: write values there with which that can be done." if shown else ""
    return f"{error.full_key}: has no value ({own or why}).{made_of}"


def choices(group: str, primary: Primary = TRAIN) -> list[str]:
    """What can be written after `<group>=`, sorted: `dgpo/7b_dgpo` for a file in a subfolder."""
    roots = [primary.file.parent, *(Path(place.removeprefix("file://")) for place in primary.added)]
    names = [
        (root / group, file.relative_to(root / group).with_suffix(""))
        for root in roots
        for file in (root / group).rglob("*.yaml")
    ]
    return sorted({str(name) for folder, name in names if not _is_part(folder, name)})


def _is_part(folder: Path, name: Path) -> bool:
    """`base/common`, or a file that a choice of its folder's name includes, as hardware/8x80gb/<model>."""
    return any(parent.name == SHARED or (folder / f"{parent}.yaml").is_file() for parent in name.parents)


def _compose(overrides: Sequence[Override], primary: Primary) -> DictConfig:
    """The choices, composed by Hydra, and the values laid onto them by the function with which Hydra does it.

    One composition shows which keys there are before the values, and serves every config of these choices.
    """
    values = [override for override in overrides if _is_value(override, primary)]
    others = tuple(str(override.input_line) for override in overrides if override not in values)
    config = _copied(_composed(others, primary))
    ConfigLoaderImpl._apply_overrides_to_config(values, config)
    own = [override for override in overrides if not override.is_hydra_override()]
    job = config.hydra.job
    config.hydra.overrides.task = [override.input_line for override in own]
    job.override_dirname = get_overrides_dirname(own, **job.config.override_dirname)
    return config


def _is_value(override: Override, primary: Primary) -> bool:
    """As Hydra tells them: it stands for no file, since no folder of choices has its key's name."""
    key = override.key_or_group
    if override.is_hydra_override():
        return False
    if isinstance(override.value(), dict):
        return True
    places = _places(primary)
    if not all(place.startswith("file://") for place in places):
        return "." in key  # in a package, where Hydra alone can look
    return not any(Path(place.removeprefix("file://"), key).is_dir() for place in places)


@cache
def _composed(words: tuple[str, ...], primary: Primary) -> DictConfig:
    """With Hydra's own part. Shared by all who ask: to be copied before it is changed."""
    searched = [f"{SEARCHED}=[{','.join(map(quoted, _places(primary)[1:]))}]"] if len(_places(primary)) > 1 else []
    with _read_by_libyaml(), hydra.initialize_config_dir(str(primary.file.parent), version_base="1.3"):
        return hydra.compose(primary.file.stem, [*words, *searched], return_hydra_config=True)


@contextmanager
def _read_by_libyaml() -> Iterator[None]:
    """OmegaConf asks yaml for its reader in Python, which takes a quarter of a composition's time."""
    in_python = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", in_python)  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = in_python  # type: ignore[misc]


@cache
def untold(primary: Primary = TRAIN) -> dict[str, Any]:
    """What the command composes without a word, its interpolations not resolved."""
    found: Any = OmegaConf.to_container(_composed((), primary))
    del found["hydra"]
    return dict(found)


@cache
def _places(primary: Primary) -> tuple[str, ...]:
    """Where Hydra looks for files, the command's own folder first."""
    return (f"file://{primary.file.parent}", *map(_as_folder, _own_places(primary)), *primary.added)


def _as_folder(place: str) -> str:
    """`pkg://verl.trainer.config` as the folder that it is: Hydra would import the whole of verl to find it."""
    package, _, inside = place.removeprefix("pkg://").partition(".")
    found = find_spec(package) if place.startswith("pkg://") else None
    folders = (found.submodule_search_locations if found else None) or []
    return f"file://{Path(folders[0], *inside.split('.'))}" if folders else place


def quoted(text: str) -> str:
    """Text for Hydra's grammar, in which = and commas have a meaning."""
    return text if text[:1] in "'\"" else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _parsed(word: str) -> Override:
    try:
        override: Override = OverridesParser.create().parse_override(word)
    except HydraException as error:
        key, _, value = word.partition("=")
        is_secret = value and is_secret_name(key)  # of which Hydra would quote some
        if value.startswith("~/"):  # which a shell replaces at the beginning of a word only
            raise UserError(redacted_text(f"{word}: Hydra knows no ~. Write {key}=$HOME/{value[2:]}.")) from error
        why = "its value can't be read" if is_secret else str(error).splitlines()[0]
        raise UserError(
            redacted_text(
                f"{word}: not an override ({why}). Write key=value, with quotes around text that holds spaces, commas, "
                "= or brackets: 'trainer.logger=[console,file]'."
            )
        ) from error
    if override.is_sweep_override() and not override.is_delete():
        raise UserError(
            f"{word}: several values at once. Write one, as {word.split(',')[0]}, and one command per value; text that "
            "holds a comma needs quotes, a list brackets."
        )
    return override


def _check_choice(override: Override, primary: Primary) -> None:
    """A group is given one of its files."""
    group = override.key_or_group
    if override.is_delete():
        return
    given = override.value()
    names = given if isinstance(given, list) else [given]
    if group not in primary.groups:
        if not _is_value(override, primary) and not all(isinstance(name, str) for name in names):  # a group of verl's
            raise UserError(f"{override.input_line}: {group} takes the name of a choice. Leave {group}= out.")
        return
    if not all(place.startswith("file://") for place in primary.added):
        return  # in a package, where Hydra alone can look
    known = choices(group, primary)
    if override.is_add() or override.is_force_add():
        raise UserError(
            f"{override.input_line}: {group} has a choice already. Write {group}=<choice>, without +. "
            f"Choices: {', '.join(known)}."
        )
    for name in names:
        if name not in known:
            hint = _meant(str(name), known)
            if group == "model" and OWN_MODEL in known and "/" in str(name):
                hint = f"{OWN_MODEL} model_path={name}"
            advice = f"Write {group}={hint}" if hint else f"Leave {group}= out, or write a choice{_or_own(group, name)}"
            raise UserError(f"{group}={_shown(name)}: there is no such choice. {advice}. Choices: {', '.join(known)}.")


def _check_section(override: Override, chosen: tuple[str, ...], primary: Primary) -> None:
    """`actor_rollout_ref.actor.policy_loss=dgpo` would put a word where a hundred keys are read from."""
    key, value = override.key_or_group, override.value()
    if override.is_delete() or override.is_add() or override.is_force_add() or key in primary.groups:
        return
    if value is None or isinstance(value, dict) or key not in _sections(chosen, primary):
        return
    name = key.rpartition(".")[2]
    advice = f"{name}={_given(override)}" if name in primary.groups else f"{key}.<key>=<value>"
    raise UserError(
        f"{override.input_line}: {key} is a section, which holds keys. Write {advice}. "
        f"`python -m {primary.command} --cfg job --package {key}` lists them."
    )


@cache
def _sections(chosen: tuple[str, ...], primary: Primary) -> frozenset[str]:
    """Every key that holds others; none where the choices don't compose, which is said when all is composed."""
    try:
        return frozenset(one.rpartition(".")[0] for one in _known(chosen, primary))
    except (HydraException, OmegaConfBaseException, ValueError):
        return frozenset()


def _or_own(group: str, name: Any) -> str:
    """Where a choice of one's own would be found."""
    return f", or --config-dir=<the folder that holds {group}/{name}.yaml>" if name is not None else ""


def _meant(name: str, known: Sequence[str]) -> str | None:
    """The choice that was meant: written in small letters, without its folder, or nearly so."""
    alike = [choice for choice in known if name.lower() in (choice, choice.rpartition("/")[2])]
    return alike[0] if len(alike) == 1 else nearest(name.lower(), known)


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)


def _explained(error: Exception, overrides: Sequence[Override], primary: Primary) -> str:
    """Hydra's message, with the nearest key where it says that there is none."""
    message = " ".join(str(error).split())
    missing = re.match(r"Could not (?:override|delete from config\.) '([^']+)'", message)
    if not missing:
        return message
    key = missing[1]
    known = _known(_chosen(overrides, primary), primary)
    sections = {one.rpartition(".")[0] for one in known}  # they take no value
    hint = nearest_key(key, (one for one in known if one not in sections)) or nearest(key, primary.groups)
    given = next(override for override in overrides if override.key_or_group == key)
    if key in known:
        return f"{given.input_line}: {key} is there, but not all that it is given. {_with_plus(key, given.value())}"
    advice = (
        f"Write {hint}={_given(given)}."
        if hint
        else f"`python -m {primary.command} --cfg job` lists all keys. {_with_plus(key, given.value())}"
    )
    return f"{key}: there is no such key. {advice}"


def _with_plus(key: str, value: Any) -> str:
    """How to write a key that is declared nowhere, one override per value."""
    inside = value if isinstance(value, dict) else {}
    keys = [f"+{key}.{name}=…" for name in inside] or [f"+{key}=…"]
    return f"For one that is declared nowhere write a + before it: {' '.join(keys)}"


def _chosen(overrides: Sequence[Override], primary: Primary) -> tuple[str, ...]:
    """Those that choose a file of a group of ours."""
    chosen = [one for one in overrides if one.key_or_group in primary.groups and not _is_value(one, primary)]
    return tuple(str(override.input_line) for override in chosen)


def _given(override: Override) -> str:
    """What stands after the =."""
    return str(override.input_line).partition("=")[2]


@cache
def _known(chosen: tuple[str, ...], primary: Primary) -> list[str]:
    """Every key there is with these choices of groups and nothing else."""
    config = OmegaConf.to_container(_composed(chosen, primary))
    del config["hydra"]  # type: ignore[union-attr,arg-type]
    return [key for key in _keys(config, "") if not UNUSED.match(key)]


def _keys(node: Any, prefix: str) -> Iterator[str]:
    for name, child in node.items() if isinstance(node, dict) else ():
        yield f"{prefix}{name}"
        yield from _keys(child, f"{prefix}{name}.")


def _check_forced(overrides: Sequence[Override], primary: Primary) -> None:
    """`+trainer.savefreq=5` makes a key that nothing reads: refused where a key beside it is spelt nearly so."""
    forced = [override for override in overrides if override.is_add() or override.is_force_add()]
    known = _known(_chosen(overrides, primary), primary) if forced else []
    for override in forced:
        section, _, name = override.key_or_group.rpartition(".")
        if section.endswith(".env_vars"):  # of the user's own: MKL_NUM_THREADS is not meant to be OMP_NUM_THREADS
            continue
        beside = [key.rpartition(".")[2] for key in known if key.rpartition(".")[0] == section]
        hint = nearest(name, beside) if name not in beside else None
        if hint:
            meant = f"{section}.{hint}".lstrip(".")
            raise UserError(
                f"{override.input_line}: the + makes a new key {override.key_or_group}, which nothing reads. "
                f"Write {meant}={_given(override)}."
            )
