"""Tables: published, measured and difference side by side, from data files only. What was not measured is empty."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from recipes.common.errors import UserError
from recipes.report import render
from recipes.report.cells import METRICS, Measured, Result, measured, method_names, published, read_results, runs_of
from recipes.report.toys import TOYS
from recipes.runs.statistics import paired

TITLES = {"avg@32": "Avg@32", "pass@32": "Pass@32 (verl's best@32)"}
SCALES = {
    "paper": "the papers' set-up as reconstructed in docs/experiments.md",
    "7b-short": "NOT the papers' set-up: cut down to less than a day on 8 GPUs (configs/scale/7b-short.yaml)",
    **{name: toy.note for name, toy in TOYS.items()},
}


def build(folder: Path, scale: str, verifier: str, form: str) -> str:
    """The tables of a scale as text.

    Args:
        folder: output root; results lie in its evaluations/.
        scale: paper or 7b-short (beside the published tables), or one of TOYS (beside GRPO).
        verifier: whose verdicts count.
        form: one of render.FORMATS.

    Raises:
        UserError: results of different evaluations, or no file that can be read.
    """
    results = [one for one in read_results(folder, verifier) if one.scale == scale]
    _refuse_mixed(results)
    frames = _toy_frames(results, TOYS[scale].methods) if scale in TOYS else _paper_frames(results)
    note = f"Scale: {SCALES.get(scale, scale)}. Verifier: {verifier}. {_provenance(results)}"
    return render.FORMATS[form](frames, note)


def _refuse_mixed(results: list[Result]) -> None:
    kinds = {(one.content.get("eval"), one.content.get("samples")) for one in results}
    if len(kinds) > 1:
        raise UserError(
            f"Results of different evaluations can't stand in one table: {sorted(map(str, kinds))}. Evaluate all runs "
            "with the same eval= and eval.samples=, or move the others out of evaluations/."
        )


def _provenance(results: list[Result]) -> str:
    if not results:
        return "Nothing measured yet: cells without a number are empty."
    seeds = sorted({one.seed for one in results})
    evaluation = results[0].content
    return (
        f"Measured: {len(results)} runs, seeds {', '.join(map(str, seeds))}, eval={evaluation.get('eval')} with "
        f"{evaluation.get('samples')} samples per problem; in brackets 95 % intervals, over seeds where there are "
        "several, else over problems."
    )


def _paper_frames(results: list[Result]) -> dict[str, pandas.DataFrame]:
    frames = {}
    for table in published()["tables"]:
        for metric in METRICS:
            model = f", {table['model']}" if "model" in table else ""
            title = f"{table['paper']} ({table['arxiv']}), {table['table']}{model}: {TITLES[metric]}"
            frames[title] = _paper_frame(table, metric, results)
    return frames


def _paper_frame(table: dict[str, Any], metric: str, results: list[Result]) -> pandas.DataFrame:
    """Three lines per method: published, measured, difference."""
    benchmarks = published()["benchmarks"] if "model" in table else ["average"]
    lines = []
    for row in table["rows"]:
        model = row.get("model", table.get("model"))
        runs = runs_of(results, table["paper"].lower(), model, published()["methods"][row["method"]])
        found = [measured(runs, benchmark, metric) for benchmark in benchmarks]
        numbers = row[metric] if isinstance(row[metric], list) else [row[metric]]
        name = row["method"] if "model" in table else f"{row['method']}, {model}"
        differences = (
            "" if one is None else f"{one.value - value:+.1f}" for one, value in zip(found, numbers, strict=True)
        )
        lines += [
            [name, "published", *(f"{value:.1f}" for value in numbers)],
            ["", "measured", *map(_with_interval, found)],
            ["", "difference", *differences],
        ]
    return pandas.DataFrame(lines, columns=["method", "", *benchmarks])


def _with_interval(found: Measured | None) -> str:
    if found is None:
        return ""
    ends = f" [{found.interval[0]:.1f}, {found.interval[1]:.1f}]" if found.interval else ""
    return f"{found.value:.1f}{ends}"


def _toy_frames(results: list[Result], methods: Sequence[str]) -> dict[str, pandas.DataFrame]:
    """One line per method: mean over seeds with interval, each seed, and the difference to GRPO on the same seeds."""
    by_method = {method: runs_of(results, "dgpo", "1.5b", method) for method in methods}
    lines = []
    for method in methods:
        runs = {one.seed: one for one in by_method[method]}
        base = {one.seed: one for one in by_method["grpo"]}
        lines.append(
            [
                method_names()[method],
                *(_with_interval(measured(list(runs.values()), "average", metric)) for metric in METRICS),
                ", ".join(f"{100 * runs[seed].records['average']['avg']:.1f}" for seed in sorted(runs)),
                "" if method == "grpo" else _paired(runs, base),
            ]
        )
    columns = ["method", *(TITLES[metric] for metric in METRICS), "Avg@32 by seed", "difference to GRPO, by seed"]
    return {"Toy scale": pandas.DataFrame(lines, columns=columns)}


def _paired(runs: dict[int, Result], base: dict[int, Result]) -> str:
    """Differences of Avg@n on common seeds, with the mean's interval: seeds share model and problems."""
    common = sorted(runs.keys() & base.keys())
    if not common:
        return ""
    differences = [
        100 * (runs[seed].records["average"]["avg"] - base[seed].records["average"]["avg"]) for seed in common
    ]
    shown = ", ".join(f"{value:+.1f}" for value in differences)
    if len(common) < 2:
        return shown
    found = paired(np.array(differences))
    return f"{found['difference']:+.1f} [{found['low']:+.1f}, {found['high']:+.1f}] ({shown})"
