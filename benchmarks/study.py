"""Collect a study: `python -m benchmarks.study outputs/study/bandit [--note …]`.

Makes docs/results/study-<world>.md with .json (every comparison, with the manifest), -runs.parquet (one row per cell,
rate and seed, without curves) and the pictures. What somebody has to say of the numbers stands in
docs/results/study-<world>-comments.txt and is copied into the page.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from benchmarks.quickstart import RESULTS
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.files import write_atomically
from recipes.runs.manifest import processor
from recipes.study import figures
from recipes.study.bench import CURVES
from recipes.study.cells import COLLAPSE, IDENTITY, MANIFEST, files_of
from recipes.study.comparison import SETTING, comparisons, read
from recipes.study.summary import LEVEL, markdown

BASELINE = "grpo"


def facts_of(files: Sequence[Path]) -> dict[str, Any]:
    """What ran, from the metadata of the files: revisions, machine, versions, seconds, and the settings they share."""
    held = [pq.read_schema(file).metadata for file in files]
    manifests = [json.loads(one[MANIFEST]) for one in held]
    settings = json.loads(held[0][IDENTITY])
    return {
        "cells": len(held),
        "seconds": round(sum(one["seconds"] for one in manifests)),
        "finished": max(one["finished"] for one in manifests),
        "revisions": sorted({one["git"]["revision"] for one in manifests}),
        "machine": manifests[0]["machine"],
        "versions": manifests[0]["versions"],
        "settings": {key: settings[key] for key in ("world", "rates", "seeds", "tuning_seeds", "total_updates")},
        "world": settings["world"]["_target_"].rpartition(".")[2].lower(),
    }


def counted(table: pd.DataFrame) -> str:
    """How many methods differ, per setting, and what could have been seen."""
    lines = ["| N | better than GRPO | worse | not told apart | a difference found in 80 % of repetitions |"]
    lines += ["|---|---|---|---|---|"]
    for setting, rows in table[table.method != BASELINE].groupby(SETTING):
        sure = rows.end_holm < LEVEL
        named = [
            ", ".join(rows[chosen].sort_values("end", ascending=False).method) or "–"
            for chosen in (sure & (rows.end_difference > 0), sure & (rows.end_difference < 0), ~sure)
        ]
        least, most = rows.end_detectable.min(), rows.end_detectable.max()
        lines.append(f"| {setting[0]} | {' | '.join(named)} | {least:.3f} to {most:.3f}, by method |")
    return "\n".join(lines)


def headline(table: pd.DataFrame) -> str:
    """Difference to GRPO per method and N: what README.md shows."""
    settings = sorted(set(table.updates))
    lines = [f"| method | {' | '.join(f'N = {one}' for one in settings)} |", "|---|" + "---|" * len(settings)]
    for method in dict.fromkeys(table.method):
        rows = table[table.method == method].set_index("updates")
        cells = (_cell(rows.loc[one], method) if one in rows.index else "–" for one in settings)  # not run yet
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: pd.Series, method: str) -> str:
    if method == BASELINE:
        return f"{100 * row.end:.1f}"
    text = f"{100 * row.end_difference:+.1f} [{100 * row.end_low:+.1f}, {100 * row.end_high:+.1f}]"
    return f"**{text}**" if row.end_holm < LEVEL else text


def page(table: pd.DataFrame, facts: dict[str, Any], note: str, comments: str) -> str:
    """The Markdown page."""
    machine, versions, settings = facts["machine"], facts["versions"], facts["settings"]
    world = facts["world"]
    return f"""# The study: methods in the world `{world}`

**A small world ([what it is](../study.md#worlds)): what it says about a model of 7B only a run of 7B can tell.**
What is measured, and how rates are chosen and differences tested, was fixed beforehand: [../study.md](../study.md).
`python -m recipes.study world={world}` runs it again, `python -m benchmarks.study` makes this page; every comparison
is in [study-{world}.json](study-{world}.json), every run in [study-{world}-runs.parquet](study-{world}-runs.parquet).

{facts["cells"]} cells of {len(settings["rates"])} rates × ({settings["seeds"]} + {settings["tuning_seeds"]}) seeds,
{settings["total_updates"]:,} updates each. {facts["seconds"] / 60:.0f} minutes of cells, added up;
{machine["cores"]} cores ({processor(machine)}), {machine["memory_gib"]} GiB; torch {versions["torch"]},
verl {versions["verl"]}; {facts["finished"][:10]}.
{note}

## Who differs from GRPO

Expected reward at the end, each method at the rate that was best on other seeds; paired by seed, Holm's correction over
all {int(table.end_p.notna().sum())} comparisons, p < {LEVEL}.

{counted(table)}

Points (hundredths of expected reward) of difference to GRPO with 95 % intervals, bold where the corrected p is below
{LEVEL}; in its own row GRPO's value:

{headline(table)}

{comments}

## At every rate

![difference to GRPO by updates per batch and rate, a panel per method](study-{world}-difference.png)

Mean paired difference in points; a dot where the uncorrected interval holds 0. The first panel is GRPO's own reward.
What the weights look like: [../methods.md](../methods.md#overview).

![learning curves, share of samples outside the trust region, entropy](study-{world}-curves.png)

Each method at its rate; bands are 95 % intervals of the mean over seeds.

![share of the samples outside](study-{world}-outside.png)

![entropy at the end](study-{world}-entropy.png)

![gradient norm before clipping](study-{world}-gradient_norm.png)

![share of trainings that collapsed](study-{world}-collapsed.png)

Collapsed: the end lies below {COLLAPSE:.0%} of the best point of the run's own curve.

## Every comparison

A star: p < {LEVEL} after Holm's correction, one family for the end and one for the area under the curve. "At equal KL"
is against GRPO at the rate where its KL would be the method's.

{markdown(table, BASELINE)}"""


def main() -> None:
    """Read the folder of a study and write the page's files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the study, as outputs/study/bandit")
    parser.add_argument("--note", default="", help="how it ran")
    arguments = parser.parse_args()
    with command("Interrupted."):
        collect(arguments.folder, arguments.note)


def collect(folder: Path, note: str) -> None:
    """Write the page's files.

    Raises:
        UserError: no cells of one study, or none of the method that the others are compared with.
    """
    files = files_of(folder)
    cells = read(files)
    if BASELINE not in set(cells.method):
        raise UserError(f"{folder} has no cell of {BASELINE}, which all are compared with. Run the study with it.")
    table = comparisons(cells, BASELINE)
    facts = facts_of(files)
    base = RESULTS / f"study-{facts['world']}"
    said = Path(f"{base}-comments.txt")
    comments = said.read_text().strip() if said.exists() else ""
    figures.heat_maps(cells, BASELINE, Path(f"{base}-difference.png"), "end")
    figures.curves(cells, table, Path(f"{base}-curves.png"))
    frame = cells.drop(columns=[f"curve_{name}" for name in ("batch", *CURVES)])
    for name in ("outside", "entropy", "gradient_norm", "collapsed"):
        figures.values(frame, Path(f"{base}-{name}.png"), name)
    narrow = frame.astype({name: "float32" for name in frame.select_dtypes("float64") if name != "rate"})
    narrow.to_parquet(f"{base}-runs.parquet", compression="zstd")
    records = json.loads(table.to_json(orient="records"))
    write_atomically(Path(f"{base}.json"), json.dumps({"about": facts, "comparisons": records}, indent=1) + "\n")
    write_atomically(Path(f"{base}.md"), page(table, facts, note, comments) + "\n")
    print(headline(table))


if __name__ == "__main__":
    main()
