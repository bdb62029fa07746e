"""Collect a reproduction at a toy scale: `python -m benchmarks.toys OUTPUT_ROOT [--scale bridge] [--note …]`.

OUTPUT_ROOT is where `scripts/reproduce.sh both --scale <scale>` wrote. Makes docs/results/<scale>.md (the table),
<scale>.json (every run with its manifest) and <scale>-curves.png.
"""

import argparse
import json
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quickstart import RESULTS, described, minutes, without_paths
from losses.metrics import BOUNDARY_CASES
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.report import seed_curves, table
from recipes.report.cells import Result, read_results
from recipes.runs.evaluation_folder import OURS
from recipes.runs.run_folder import RunFolder
from recipes.runs.statistics import paired
from recipes.study.comparison import detectable, holm

STUDY = RESULTS / "study-arithmetic-runs.parquet"


def facts_of(result: Result, root: Path) -> dict[str, Any]:
    """Numbers of one run, and its manifest.

    Args:
        result: of its last checkpoint.
        root: output root.

    Raises:
        UserError: its results are there, and the run they are of is not.
    """
    run = RunFolder(root / result.paper / result.content["run"]["name"])
    manifest = run.manifest.content
    updates = [row["data"] for row in run.rows()]
    if not updates or run.manifest.status is None:
        raise UserError(f"{result.path} tells of a run that {run.path} does not hold. Put it there, or move that away.")
    outside = [sum(data[f"actor/token_share/{case}"] for case in BOUNDARY_CASES) for data in updates]
    record = result.records["average"]
    config = run.read_config()
    actor = config.actor_rollout_ref.actor
    return {
        "run": run.path.name,
        "method": result.method,
        "seed": result.seed,
        "step": result.step,
        "rate": actor.optim.lr,
        "updates": config.data.train_batch_size // actor.ppo_mini_batch_size,
        "group": config.actor_rollout_ref.rollout.n,
        "avg_at_32": record["avg"],
        "verl_best_at_32": record["verl_best"],
        "pass": record["pass"],
        "standard_error": record["standard_error"],
        "outside_trust_region": {"mean": statistics.fmean(outside), "largest": max(outside)},
        "reward_of_first_step": updates[0]["critic/score/mean"],
        "reward_in_training": statistics.fmean(data["critic/score/mean"] for data in updates),
        "entropy": {"first": updates[0]["actor/entropy"], "last": updates[-1]["actor/entropy"]},
        "median_seconds_per_step": statistics.median(data["timing_s/step"] for data in updates),
        "minutes_of_training_command": minutes(manifest["attempts"]),
        "manifest": without_paths(manifest),
    }


INTRODUCTIONS = {
    "tiny": """# All twelve methods at toy scale

**A tiny model that learns to add two numbers, on a CPU: not the papers' set-up, and no claim about 1.5B,
7B or 14B.** What it shows: every method trains and evaluates through the code that a cluster runs, with
16 updates per rollout batch as in the papers, and the tables come out of it. `bash scripts/reproduce.sh
both --scale tiny` makes it again; `python -m benchmarks.toys outputs` collects it; every run with its manifest is
in [tiny.json](tiny.json).
""",
    "bridge": """# From the small worlds to the cluster's code

**A tiny model that learns to add two numbers, on a CPU: not the papers' set-up, and no claim about 1.5B,
7B or 14B.** The study's `arithmetic` at N = 64 ([what it is](../study.md#the-bridge)), through verl, vLLM and
FSDP. `bash scripts/reproduce.sh both --scale bridge` makes it again;
`python -m benchmarks.toys outputs --scale bridge` collects it; every run with its manifest is in
[bridge.json](bridge.json).
""",
}


def page(root: Path, scale: str, runs: list[dict[str, Any]], note: str) -> str:
    """The Markdown page; comments on what was found stand in docs/results/<scale>-comments.txt."""
    said = RESULTS / f"{scale}-comments.txt"
    revisions = sorted({run["manifest"]["git"]["revision"][:12] for run in runs})
    spent = statistics.median(run["minutes_of_training_command"] for run in runs)
    lines = [
        INTRODUCTIONS[scale],
        f"{described(runs[0]['manifest'])}; revision {', '.join(revisions)}. "
        f"A training of {runs[0]['step']} steps took {spent:.1f} minutes (median, "
        "start-up included; most of them two at a time on these cores).",
        "",
        _untrained(runs),
        "",
        table.build(root, scale, "ours", "md").replace("\n## Toy scale\n\n", "\n"),
        *([note, ""] if note else []),
        *_differences(runs),
        *(_beside_the_study(runs) if scale == "bridge" else []),
        *([said.read_text()] if said.exists() else []),
        f"![curves of the methods]({scale}-curves.png)",
        "",
        *_outside(runs),
    ]
    return "\n".join(lines) + "\n"


def _differences(runs: list[dict[str, Any]]) -> list[str]:
    """Paired by seed, with Holm's correction over the methods, one family per measure, and the power that there was."""
    lines = [
        "Differences to GRPO in points, paired by seed, with 95 % intervals by Student's t; p after Holm's correction",
        "over the methods; and the true difference that 80 % of repetitions would find at the deviation that was seen:",
        "",
        "| measure | method | difference | p | found in 80 % |",
        "| --- | --- | --- | --- | --- |",
    ]
    seeds = len({run["seed"] for run in runs})
    for measure, name in (("avg_at_32", "Avg@32 at the end"), ("reward_in_training", "mean reward in training")):
        found = _paired([(run["method"], run["seed"], run[measure]) for run in runs])
        corrected = holm([one["p"] for one in found.values()])
        for (method, one), p_value in zip(found.items(), corrected, strict=True):
            least = detectable(one["deviation"], seeds, len(found))
            shown = f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"
            lines.append(f"| {name} | {method} | {_interval(one)} | {shown} | {least:.1f} |")
    return [*lines, ""]


def _paired(values: Iterable[tuple[str, int, float]]) -> dict[str, dict[str, float]]:
    """Method → difference to GRPO in points, of (method, seed, share).

    Raises:
        UserError: a method lacks a seed that another has, so that not all can be paired.
    """
    by_method: dict[str, dict[int, float]] = {}
    for method, seed, value in values:
        by_method.setdefault(method, {})[seed] = 100 * value
    seeds = set().union(*by_method.values())
    for method, own in sorted({"grpo": {}, **by_method}.items()):
        if lacking := ",".join(map(str, sorted(seeds - own.keys()))):
            raise UserError(
                f"{method} has no result with seed {lacking}, and methods are compared on the same seeds. Run "
                f"`scripts/reproduce.sh both --only {method} --seeds {lacking}` at this scale, or move the others away."
            )
    base = by_method.pop("grpo")
    return {
        method: paired(np.array([own[seed] - base[seed] for seed in sorted(base)]))
        for method, own in sorted(by_method.items())
    }


def _interval(found: Mapping[str, float]) -> str:
    return f"{found['difference']:+.1f} [{found['low']:+.1f}, {found['high']:+.1f}]"


def _beside_the_study(runs: list[dict[str, Any]]) -> list[str]:
    """The same differences in the small world, at the same rate, group and number of updates per batch."""
    rate, updates, group = (runs[0][name] for name in ("rate", "updates", "group"))
    rows = pd.read_parquet(STUDY)
    same = np.isclose(rows.rate, rate) & (rows.updates == updates) & (rows.group == group)
    rows = rows[same & (rows.staleness == 0) & ~rows.tuning & rows.method.isin({run["method"] for run in runs})]
    columns = [
        _paired([(run["method"], run["seed"], run["avg_at_32"]) for run in runs]),
        _paired(rows[["method", "seed", "end"]].itertuples(index=False)),
        _paired([(run["method"], run["seed"], run["reward_in_training"]) for run in runs]),
        _paired(rows[["method", "seed", "area"]].itertuples(index=False)),
    ]
    return [
        f"The same differences in the study at this rate, over {rows.seed.nunique()} seeds; intervals by Student's t,",
        "uncorrected: a description, since the study tests each method at the rate that suits it best.",
        "",
        "| method | end, through verl | end, in the study | training, through verl | training, in the study |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {method} | {' | '.join(_interval(one[method]) for one in columns)} |" for method in columns[0]),
        "",
    ]


def _untrained(runs: list[dict[str, Any]]) -> str:
    """A seed makes a base model of its own; nothing is trained yet when the first step samples."""
    seeds = sorted({run["seed"] for run in runs})
    first = [statistics.fmean(run["reward_of_first_step"] for run in runs if run["seed"] == seed) for seed in seeds]
    shown = ", ".join(f"{100 * value:.1f} % (seed {seed})" for seed, value in zip(seeds, first, strict=True))
    return (
        f"Each seed has a base model of its own. Before any update, in the first step of the {len(runs)} runs, mean "
        f"rewards on training problems were {shown}."
    )


def _outside(runs: list[dict[str, Any]]) -> list[str]:
    """Where the methods can differ at all."""
    lines = [
        "Most methods differ only in what they do with tokens outside the trust region. Share of the response tokens",
        "there, in percent, mean over the steps and seeds, and the largest of any step:",
        "",
        "| method | mean | largest | entropy, first → last step |",
        "| --- | --- | --- | --- |",
    ]
    for method in dict.fromkeys(run["method"] for run in runs):
        mine = [run for run in runs if run["method"] == method]
        mean = statistics.fmean(run["outside_trust_region"]["mean"] for run in mine)
        largest = max(run["outside_trust_region"]["largest"] for run in mine)
        first, last = (statistics.fmean(run["entropy"][end] for run in mine) for end in ("first", "last"))
        lines.append(f"| {method} | {100 * mean:.2f} | {100 * largest:.1f} | {first:.3f} → {last:.3f} |")
    return lines


def main() -> None:
    """Read the output root and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="output root of scripts/reproduce.sh")
    parser.add_argument("--scale", choices=INTRODUCTIONS, default="tiny", help="default: tiny")
    parser.add_argument("--note", default="", help="what is to be said under the table")
    arguments = parser.parse_args()
    with command("Interrupted."):
        collect(arguments.root, arguments.scale, arguments.note)


def collect(root: Path, scale: str, note: str) -> None:
    """Write the three files.

    Raises:
        UserError: nothing of that scale was measured there, or not all of it.
    """
    results = [one for one in read_results(root, OURS) if one.scale == scale]
    if not results:
        raise UserError(
            f"{root} holds no results at scale {scale}. Write the output root of `scripts/reproduce.sh both --scale "
            f"{scale}`, as outputs."
        )
    runs = [facts_of(one, root) for one in sorted(results, key=lambda one: (one.paper, one.method, one.seed))]
    text = page(root, scale, runs, note)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{scale}.json").write_text(json.dumps(runs, indent=1) + "\n")
    (RESULTS / f"{scale}.md").write_text(text)
    seed_curves.draw(root, scale, RESULTS / f"{scale}-curves.png")
    print(text)


if __name__ == "__main__":
    main()
