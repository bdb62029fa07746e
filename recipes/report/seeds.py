"""Two methods over seeds: what came out of their runs or evaluations, paired seed by seed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.common.numbers import is_integer
from recipes.report.page.run_files import within
from recipes.report.summary import accuracy_by_step, reward_by_step
from recipes.runs.evaluation_folder import EvaluationFolder
from recipes.runs.run_folder import RunFolder
from recipes.runs.statistics import AVERAGE, paired

ACCURACY, REWARD = "held-out accuracy", "training reward"
LAST = 0.1  # of the steps, over which the reward is averaged

Curves = dict[str, dict[int, float]]  # measure → step → value; an evaluation has one step


@dataclass(frozen=True)
class Outcome:
    """What came out of one run.

    Attributes:
        path: as it was given.
        seed: of the training.
        method: `policy_loss` of its config; None where only an evaluation is known.
        curves: by measure.
    """

    path: Path
    seed: int
    method: dict[str, Any] | None
    curves: Curves


def read(path: Path) -> Outcome:
    """A run's folder, an evaluation's folder, or a results file.

    Raises:
        UserError: it is none of them, or has logged nothing.
    """
    results = EvaluationFolder(path).results() if path.is_dir() else path
    if results.is_file():
        return _evaluation(path, results)
    run = RunFolder(path)
    rows = run.rows() if path.is_dir() else []
    seed = run.manifest.content.get("seed")
    if not rows or not is_integer(seed) or not run.config.is_file():
        raise UserError(
            f"{path}: neither a run with steps and its seed nor an evaluation. Write outputs/<experiment>/<run> or "
            "outputs/evaluations/<name>."
        )
    found = {ACCURACY: accuracy_by_step(rows), REWARD: reward_by_step(rows)}
    method = within(OmegaConf.to_container(run.read_config()), "actor_rollout_ref.actor.policy_loss")
    if not isinstance(method, dict | None):
        raise UserError(f"{run.config}: its policy_loss is no section. Restore the file, or leave {path} out.")
    return Outcome(path, seed, method or {}, {name: curve for name, curve in found.items() if curve})


def _evaluation(path: Path, results: Path) -> Outcome:
    try:
        content = read_mapping(results)
        seed, records = int(content["run"]["seed"]), content["records"]
        curves = {name: {int(content["step"] or 0): float(record["avg"])} for name, record in records.items()}
        if not all(0 <= share <= 1 for curve in curves.values() for share in curve.values()):
            raise ValueError("no share")
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{results}: no finished evaluation of a run of ours ({type(error).__name__}).") from error
    return Outcome(path, seed, None, curves)


def by_seed(paths: Sequence[Path]) -> dict[int, Outcome]:
    """One side of the comparison.

    Raises:
        UserError: two of one seed, or of different methods.
    """
    found: dict[int, Outcome] = {}
    for one in map(read, paths):
        if one.seed in found:
            raise UserError(f"{found[one.seed].path} and {one.path} both have seed {one.seed}: write one run per seed.")
        other = next(iter(found.values()), one)
        if one.method != other.method:
            raise UserError(
                f"{other.path} and {one.path} differ in policy_loss: one side is one method at several seeds."
            )
        found[one.seed] = one
    return found


def values(sides: Iterable[dict[int, Outcome]], measure: str) -> tuple[str, list[np.ndarray]] | None:
    """Each side's values by ascending seed, at the last step that all runs have; None where a run lacks the measure.

    Returns:
        What is compared, in words, and an array (seeds,) per side.
    """
    curves = [[side[seed].curves.get(measure, {}) for seed in sorted(side)] for side in sides]
    steps = sorted(set.intersection(*(set(curve) for side in curves for curve in side)))
    if not steps:
        return None
    last = steps[-max(1, round(LAST * len(steps))) :] if measure == REWARD else steps[-1:]
    where = f", steps {last[0]}–{last[-1]}" if len(last) > 1 else f", step {last[0]}" if last[0] else ""
    return measure + where, [np.array([np.mean([curve[step] for step in last]) for curve in side]) for side in curves]


def show(first: Sequence[Path], against: Sequence[Path]) -> None:
    """Print the comparison.

    Raises:
        UserError: nothing that can be paired.
    """
    ours, theirs = by_seed(first), by_seed(against)
    if ours.keys() != theirs.keys() or len(ours) < 2:
        raise UserError(
            f"seeds {_listed(ours)} --against seeds {_listed(theirs)}: only the same seeds can be paired, and it takes "
            "two. Write one run per seed on either side."
        )
    measures = list(dict.fromkeys(name for one in ours.values() for name in one.curves))
    measures.sort(key=lambda name: name == AVERAGE)  # the mean last
    compared = [(measure, *found) for measure in measures if (found := values((ours, theirs), measure))]
    if not compared:
        raise UserError("These runs have no step or benchmark in common: write runs of the same set-up.")
    table = Table(
        title=f"{len(ours)} seeds ({_listed(ours)}), paired; shares of right answers in percent", box=box.SIMPLE_HEAD
    )
    table.add_column("")
    for column in (*_names(ours, theirs), "difference, 95 %", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("seed by seed")
    for measure, name, (one, other) in compared:
        table.add_row(name, *_cells(one, other, in_percent=measure != REWARD))
    Console().print(table)
    print("p: two-sided t-test of the differences. It says nothing about other models, data or rates.")


def _names(*sides: dict[int, Outcome]) -> list[str]:
    """The methods, where the sides are runs of two."""
    methods = [next(iter(side.values())).method or {} for side in sides]
    given = [str(method.get("_target_") or method.get("loss_mode") or "") for method in methods]
    found = [escape(name.rpartition(".")[2].removesuffix("Config")) for name in given]
    return found if all(found) and found[0] != found[1] else ["first", "against"]


def _listed(side: dict[int, Outcome]) -> str:
    return ", ".join(map(str, sorted(side)))


def _cells(one: np.ndarray, other: np.ndarray, in_percent: bool) -> list[str]:
    """A reward has a scale of its own, which is not always that of a share."""
    scale, digits = (100, 1) if in_percent else (1, 3)
    one, other = scale * one, scale * other
    found = paired(one - other)
    return [
        f"{one.mean():.{digits}f}",
        f"{other.mean():.{digits}f}",
        escape(f"{found['difference']:+.{digits}f} [{found['low']:+.{digits}f}, {found['high']:+.{digits}f}]"),
        f"{found['p']:.4f}" if found["p"] >= 1e-4 else "< 0.0001",
        ", ".join(f"{value:+.{digits}f}" for value in one - other),
    ]
