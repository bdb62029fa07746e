"""The plan against step times that others published: `python -m recipes.plan.published` prints the tables.

    python -m recipes.plan.published --write     # the tables into docs/planning.md, the picture beside them

Each row of published.json says what is known of a run, where it stands, and its seconds. CENTRE (efficiency.py) at the
middle of a row's mean lengths is held against them, and the range from BEST at its short end to WORST at its long one.
"""

import hashlib
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipes.common.files import write_atomically
from recipes.config import hardware
from recipes.inputs import architecture
from recipes.plan import generation, lengths, scale, step_time
from recipes.plan.efficiency import BEST, CENTRE, WORST, Efficiency
from recipes.plan.sizes import Workload

_FILE = Path(__file__).with_name("published.json")
_DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, PICTURE = _DOCS / "planning.md", _DOCS / "figures" / "planning-published.png"
START, END = "<!-- python -m recipes.plan.published --write -->\n", "\n<!-- end of what it writes -->"
STEP = "step"
FIGURES = ("generation", "old log-probs", "update", STEP)
# What published runs do alike, as far as memory and time depend on it; a row may say otherwise.
_ALIKE: dict[str, Any] = {
    "steps": 1,
    "epochs": 1,
    "master_bytes": 4,
    "compute_bytes": 2,
    "rollout_bytes": 2,
    "param_offload": True,
    "optimizer_offload": True,
    "offload_policy": False,
    "reshard": True,
    "activation_offload": False,
    "fused_logits": False,
    "entropy_in_update": False,
    "entropy_chunk": 2048,
    "entropy_checkpointing": False,
    "scaled_logits": False,
    "batched_tokens": 8192,
    "sleeps": True,
    "bucket": 2**31,
    "rollout_gpus": 0,
    "seed": 0,
}


@dataclass(frozen=True)
class Row:
    """A published run.

    Attributes:
        name, source, note: what it is, where it stands, what is odd about it.
        judges: whether it judges the calibration; else it is part of it.
        model, gpu, workload: what the plan reckons with.
        short, long: mean response length, at least and at most; in tokens.
        trainers: GPUs that always train while the others always generate; 0 for a synchronous run.
        generators: GPUs that generate, the others training in turn; 0 for all of them doing both.
        log_prob_passes: forward passes without gradients per step: 0 to 2.
        seconds: published, of some of FIGURES.
    """

    name: str
    source: str
    note: str
    judges: bool
    model: architecture.Architecture
    gpu: hardware.GPU
    workload: Workload
    short: float
    long: float
    trainers: int
    generators: int
    log_prob_passes: int
    seconds: dict[str, float]


def _row(place: int, facts: dict[str, Any]) -> Row:
    fields = {name: facts[name] for name in Workload.__dataclass_fields__ if name in facts}
    short, long = facts["mean_length"]
    return Row(
        name=facts["name"],
        source=facts["source"],
        note=facts.get("note", ""),
        judges=place % 2 == 1,
        model=architecture.from_config_json(architecture.known()[facts["model"]], facts["model"]),
        gpu=hardware.find(facts["gpu"]),
        workload=Workload(**{**_ALIKE, **fields}),
        short=short,
        long=long,
        trainers=facts.get("trainers", 0),
        generators=facts.get("generators", 0),
        log_prob_passes=facts.get("log_prob_passes", 1),
        seconds=facts["seconds"],
    )


def rows() -> list[Row]:
    """All that can be compared: every second one, from the first, calibrates; the others judge."""
    return [_row(place, facts) for place, facts in enumerate(json.loads(_FILE.read_text(encoding="utf-8"))["rows"])]


def _part(workload: Workload, gpus: int) -> Workload:
    """The workload on some of its GPUs."""
    width = min(gpus, workload.gpus_per_node)
    return replace(workload, nodes=gpus // width, gpus_per_node=width)


def predict(row: Row, mean: float, efficiency: Efficiency) -> dict[str, float]:
    """Seconds of what the row publishes."""
    workload, model, gpu = row.workload, row.model, row.gpu
    if row.trainers:
        passes = row.log_prob_passes
        return {STEP: scale.asynchronous_seconds(model, gpu, workload, mean, efficiency, row.trainers, passes)}
    trainer = _part(workload, workload.gpus - row.generators)
    found = step_time.training_seconds(model, gpu, trainer, mean, efficiency)
    if set(row.seconds) == {"update"}:
        return {"update": found["update"]}
    rollout = _part(workload, row.generators or workload.gpus)
    engine = generation.engine(model, gpu, rollout, mean, efficiency)
    drawn = lengths.sample(workload.responses, mean, workload.response_limit, workload.seed)
    found["generation"] = generation.batch_seconds(engine, drawn, rollout.gpus // rollout.tensor_parallel, at_most=8)
    found[STEP] = found["generation"] + found["update"] + row.log_prob_passes * found["old log-probs"]
    found[STEP] += step_time.sync_seconds(model, gpu, trainer, efficiency) + efficiency.rest
    return {name: found[name] for name in FIGURES if name in row.seconds}


@dataclass(frozen=True)
class Compared:
    """A row beside its prediction; seconds of each published figure.

    Attributes:
        row: what was published.
        low, centre, high: predicted.
    """

    row: Row
    low: dict[str, float]
    centre: dict[str, float]
    high: dict[str, float]

    @property
    def total(self) -> str:
        """The figure that stands for the row: the step, or the update of a trainer without generation."""
        return STEP if STEP in self.row.seconds else "update"

    def error(self, name: str) -> float:
        """Of the centre, as a share of what was published."""
        return self.centre[name] / self.row.seconds[name] - 1

    def inside(self) -> bool:
        """Whether every published figure lies in the range."""
        return all(self.low[name] <= seconds <= self.high[name] for name, seconds in self.row.seconds.items())


def compare() -> list[Compared]:
    """All rows, in the order of the file."""
    return [
        Compared(
            row,
            predict(row, row.short, BEST),
            predict(row, (row.short + row.long) / 2, CENTRE),
            predict(row, row.long, WORST),
        )
        for row in rows()
    ]


def median_error(found: Sequence[Compared]) -> float:
    """Median of the absolute errors of the totals."""
    return statistics.median(abs(one.error(one.total)) for one in found)


def share_inside(found: Sequence[Compared]) -> float:
    """Of rows whose every figure lies in its range."""
    return sum(one.inside() for one in found) / len(found)


def _figure(one: Compared, name: str) -> str:
    if name not in one.row.seconds:
        return "–"
    return f"{one.row.seconds[name]:,.0f} → {one.centre[name]:,.0f} ({one.error(name):+.0%})"


def _mean(row: Row) -> str:
    return f"{row.short:,.0f}" if row.short == row.long else f"{row.short:,.0f}–{row.long:,.0f}"


def table(found: Sequence[Compared]) -> list[str]:
    """One line of Markdown per row: published → planned (error) of each phase, and the range of the total."""
    head = ("run", "GPUs", "mean tokens", *FIGURES, "range", "half")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for one in found:
        row, total = one.row, one.total
        span = f"{one.low[total]:,.0f}–{one.high[total]:,.0f}" + ("" if one.inside() else ", missed")
        cells = (
            f"[{row.name}]({row.source.split(',')[0]})",
            f"{row.workload.gpus} {row.gpu.name.split()[0]}",
            _mean(row),
            *(_figure(one, name) for name in FIGURES),
            span,
            "judges" if row.judges else "calibrates",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _errors(found: Sequence[Compared], name: str) -> str:
    errors = [abs(one.error(name)) for one in found if name in one.row.seconds]
    return f"{statistics.median(errors):.0%} of {len(errors)}"


def summary(found: Sequence[Compared]) -> list[str]:
    """Median absolute errors by phase and half, and how many rows lie in their range."""
    names = (*FIGURES, "total")
    lines = ["| half | " + " | ".join(names) + " | rows inside their range |", "|" + "---|" * (len(names) + 2)]
    for title, judges in (("calibrates", (False,)), ("judges", (True,)), ("both", (False, True))):
        half = [one for one in found if one.row.judges in judges]
        errors = (*(_errors(half, name) for name in FIGURES), f"{median_error(half):.0%} of {len(half)}")
        inside = sum(one.inside() for one in half)
        lines.append(f"| {title} | " + " | ".join(errors) + f" | {inside} of {len(half)} |")
    return lines


def section() -> str:
    """The generated part of docs/planning.md."""
    found = compare()
    out = json.loads(_FILE.read_text(encoding="utf-8"))["not_compared"]
    left = [f"- {one['name']}, {one['figure']}: {one['why']}." for one in out]
    return "\n".join(
        [
            "Median absolute errors of the central case:",
            "",
            *summary(found),
            "",
            "Seconds, published → planned (error):",
            "",
            *table(found),
            "",
            "Published, but not compared:",
            "",
            *left,
        ]
    )


def digest(text: str) -> str:
    """Of the section: the picture carries it, so that a stale one is found."""
    return hashlib.sha256(text.encode()).hexdigest()


def main(words: Sequence[str] | None = None) -> None:
    """Print the section, or with --write put it and the picture where they belong."""
    text = section()
    if list(sys.argv[1:] if words is None else words) != ["--write"]:
        print(text)
        return
    from recipes.plan import published_figure

    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    write_atomically(PAGE, before + START + text + END + rest.split(END)[1])
    published_figure.write(compare(), PICTURE, digest(text))


if __name__ == "__main__":
    main()
