"""What a study runs, checked before it starts."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common.errors import UserError
from recipes.common.rules import Rule, each, is_text, name, real, whole
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


RULES = (
    Rule("output_root", is_text, "a folder", "outputs"),
    name("name", "mine"),
    each(Rule("study.methods", is_text, "a choice of policy_loss=", ""), "[grpo,dgpo]"),
    Rule("study.baseline", is_text, "one of study.methods", "grpo"),
    each(whole("study.updates", 1, 16), "[16,64]"),
    each(whole("study.group", 2, 16, 4096), "[16]"),
    each(whole("study.staleness", 0, 0), "[0]"),
    each(real("study.rates", "(0, 1]", 0.01), "[0.01]"),
    whole("study.seeds", 2, 20, FIRST_TUNING_SEED),  # those from there on choose rates
    whole("study.tuning_seeds", 1, 8, FIRST_TUNING_SEED),
    whole("study.total_updates", 1, 1024),
    whole("study.warm_up", 0, 0),
    whole("study.points", 1, 40, 10_000),
    whole("study.processes", 1, 2),
)
AXES = ("methods", "updates", "group", "staleness", "rates")


def settings_from(config: DictConfig, added: tuple[str, ...] = ()) -> Settings:
    """The settings of a composed config.

    Raises:
        UserError: names the key and what to write.
    """
    plain = resolved(config)
    for rule in RULES:
        rule.check(plain)
    study = dict(plain.study)
    unknown = study.keys() - {field.name for field in fields(Settings)}
    if unknown:
        raise UserError(f"study.{min(unknown)}: there is no such key. Leave it out.")
    for axis in AXES:
        study[axis] = tuple(study[axis]) if OmegaConf.is_list(study[axis]) else (study[axis],)
    if study["baseline"] not in study["methods"]:
        more = ",".join([study["baseline"], *study["methods"]])
        raise UserError(
            f"study.baseline={study['baseline']} is not among study.methods, all of which are compared with it. Write "
            f"study.methods=[{more}]; cells that are done are not run again."
        )
    for updates in study["updates"]:
        if study["total_updates"] % updates:
            more = -(-study["total_updates"] // updates) * updates
            raise UserError(
                f"study.total_updates={study['total_updates']} is no multiple of study.updates={updates}: the last "
                f"batch would be a part of one. Write study.total_updates={more}."
            )
    folder = Path(plain.output_root).expanduser() / "study" / plain.name
    return Settings(world=dict(plain.world), folder=folder, added=added, **study)
