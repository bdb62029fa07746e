"""Published numbers and measured ones, by cell: (model, method) of the papers' tables."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.runs.evaluation_folder import EvaluationFolder
from recipes.runs.statistics import CONFIDENCE

PUBLISHED = Path(__file__).with_name("published.json")
# How runs of configs/experiment/<paper>/ are called: see configs/experiment/base/.
RUN_NAME = re.compile(r"(?P<model>[\d.]+b)_(?P<method>\w+?)(?:-(?P<scale>[\w-]+))?-seed(?P<seed>\d+)")
# Key of our results that answers to the published metric.
METRICS = {"avg@32": "avg", "pass@32": "verl_best"}


@dataclass(frozen=True)
class Result:
    """One results file of a run of this project.

    Attributes:
        path: the file.
        paper, model, method, scale, seed: the experiment and run.
        step: of the checkpoint.
        content: the file's JSON.
    """

    path: Path
    paper: str
    model: str
    method: str
    scale: str
    seed: int
    step: int
    content: dict[str, Any] = field(repr=False)

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """Numbers by benchmark, and their `average`."""
        return self.content["records"]


@dataclass(frozen=True)
class Measured:
    """Mean over seeds, in percent, with its 95 % interval.

    Attributes:
        value: the mean.
        interval: over seeds by Student's t where there are several, else the bootstrap over problems of the one; None
            where neither exists.
        seeds: how many.
    """

    value: float
    interval: tuple[float, float] | None
    seeds: int


@cache
def published() -> dict[str, Any]:
    """The papers' tables; facts, with their source."""
    return json.loads(PUBLISHED.read_text())


def method_names() -> dict[str, str]:
    """Our name of a method → the papers'."""
    return {ours: theirs for theirs, ours in published()["methods"].items()}


def read_results(folder: Path, verifier: str) -> list[Result]:
    """All results of experiment runs below `<folder>/evaluations`; other evaluations are left out.

    Raises:
        UserError: a file is not what recipes.evaluate writes, or two are of the same run.
    """
    found: dict[tuple[Any, ...], Result] = {}
    for path in EvaluationFolder.all_results(folder, verifier):
        result = _read(path)
        if result is None:
            continue
        key = (result.paper, result.model, result.method, result.scale, result.seed, result.content.get("eval"))
        if key in found and found[key].step >= result.step:
            continue  # of several checkpoints of a run the last one counts
        found[key] = result
    return list(found.values())


def _read(path: Path) -> Result | None:
    try:
        content = read_mapping(path)
        run = content["run"] or {}
        name = RUN_NAME.fullmatch(run.get("name", ""))
        if name is None or run.get("project") not in ("dgpo", "maspo"):
            return None
        _ = content["records"]["average"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError(
            f"{path}: no results of recipes.evaluate ({type(error).__name__}: {error}). Remove it and run the "
            "evaluation again; what is in samples.jsonl is not drawn again."
        ) from error
    scale, seed, step = name["scale"] or "paper", int(name["seed"]), content.get("step") or 0
    return Result(path, run["project"], name["model"], name["method"], scale, seed, step, content)


def runs_of(results: Iterable[Result], paper: str, model: str, method: str) -> list[Result]:
    """The runs of a cell, one per seed; where the paper's own are missing, those of the other paper's same row."""
    cell = [one for one in results if one.model == model and one.method == method]
    return [one for one in cell if one.paper == paper] or cell


def measured(runs: list[Result], benchmark: str, metric: str) -> Measured | None:
    """Mean over the seeds that have the number; None without any.

    Args:
        runs: of one cell.
        benchmark: or "average".
        metric: of METRICS.
    """
    key = METRICS[metric]
    records = [record for one in runs if (record := one.records.get(benchmark)) and record.get(key) is not None]
    if not records:
        return None
    values = 100 * np.array([record[key] for record in records])
    if len(values) > 1:
        half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
        # A share can't leave 0 to 100 %, Student's t can.
        bounds = (max(0.0, float(values.mean()) - half), min(100.0, float(values.mean()) + half))
        return Measured(float(values.mean()), bounds, len(values))
    ends = records[0].get("interval") if key == "avg" else None
    return Measured(float(values[0]), (100 * ends[0], 100 * ends[1]) if ends else None, 1)
