"""What a study runs, checked before it starts."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from losses.validation import is_integer, is_number
from recipes.common.errors import UserError
from recipes.config.compose import resolved

FIRST_TUNING_SEED = 1000  # seeds of results are below


@dataclass(frozen=True)
class Cell:
    """What runs together and becomes one file: all rates and seeds of a method in a setting.

    Attributes:
        method: a choice of policy_loss=.
        updates: N, per batch.
        group: responses per prompt.
        staleness: by how many batches the sampling policy is behind.
    """

    method: str
    updates: int
    group: int
    staleness: int

    @property
    def name(self) -> str:
        """Of its file; `dgpo/mine` is a choice in a subfolder."""
        method = self.method.replace("/", "+")
        return f"{method}-updates{self.updates}-group{self.group}-staleness{self.staleness}"


@dataclass(frozen=True)
class Settings:
    """Of a study; see configs/study/study.yaml.

    Attributes:
        world: how it is made, with `_target_`.
        folder: of the results.
        added: where choices of policy_loss= are looked for besides, see recipes.config.compose.Primary.
        methods, updates, group, staleness: the axes; with `rates` and the seeds they span the cells.
    """

    world: dict[str, Any]
    folder: Path
    added: tuple[str, ...]
    methods: tuple[str, ...]
    baseline: str
    updates: tuple[int, ...]
    group: tuple[int, ...]
    staleness: tuple[int, ...]
    rates: tuple[float, ...]
    seeds: int
    tuning_seeds: int
    total_updates: int
    warm_up: int
    points: int
    processes: int

    def cells(self) -> Iterator[Cell]:
        """Every cell; all methods of a setting one after another, so that it can be looked at early."""
        for updates, group, staleness, method in itertools.product(
            self.updates, self.group, self.staleness, self.methods
        ):
            yield Cell(method, updates, group, staleness)

    def all_seeds(self) -> tuple[int, ...]:
        """Of the results, then those that choose rates."""
        return (*range(self.seeds), *range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + self.tuning_seeds))


def settings_from(config: DictConfig, added: tuple[str, ...] = ()) -> Settings:
    """The settings of a composed config.

    Raises:
        UserError: names the key and what to write.
    """
    plain = resolved(config)
    study = dict(plain.study)
    for name, least in (("updates", 1), ("group", 2), ("staleness", 0)):
        study[name] = _list(name, study[name], lambda one, least=least: is_integer(one) and one >= least, f">= {least}")
    study["rates"] = _list("rates", study["rates"], lambda one: is_number(one) and one > 0, "> 0")
    study["methods"] = _list("methods", study["methods"], lambda one: isinstance(one, str), "names of methods")
    for name, least in (("seeds", 2), ("tuning_seeds", 1), ("total_updates", 1), ("points", 1), ("processes", 1)):
        value = study[name]
        if not is_integer(value) or value < least:
            raise UserError(f"study.{name}={value}: must be a whole number >= {least}. Write study.{name}={least}.")
    if study["seeds"] > FIRST_TUNING_SEED:
        raise UserError(f"study.seeds={study['seeds']}: at most {FIRST_TUNING_SEED}; those from there on choose rates.")
    for updates in study["updates"]:
        if study["total_updates"] % updates:
            more = -(-study["total_updates"] // updates) * updates
            raise UserError(
                f"study.total_updates={study['total_updates']} is no multiple of study.updates={updates}: the last "
                f"batch would be a part of one. Write study.total_updates={more}."
            )
    folder = Path(plain.output_root) / "study" / str(plain.name)
    return Settings(world=dict(plain.world), folder=folder, added=added, **study)


def _list(name: str, given: Any, right: Any, what: str) -> tuple[Any, ...]:
    values = tuple(given) if not isinstance(given, str) and hasattr(given, "__iter__") else (given,)
    if not values or not all(right(one) for one in values) or len(set(values)) < len(values):
        shown = ",".join(str(one) for one in values)
        raise UserError(f"study.{name}=[{shown}]: must hold {what}, each once. Write study.{name}=[{_EXAMPLE[name]}].")
    return values


_EXAMPLE = {"updates": "16,64", "group": "16", "staleness": "0", "rates": "0.01", "methods": "grpo,dgpo"}
