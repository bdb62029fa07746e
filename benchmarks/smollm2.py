"""Collect SmolLM2's runs: `python -m benchmarks.smollm2 outputs/smollm2_addition/* [--note "how they ran"]`.

Makes docs/results/smollm2.md (accuracy before and after, with responses to the same problems), smollm2.json (every run
with its manifest) and smollm2-curves.png. The runs are those of `experiment=smollm2_addition`, a method each.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.quickstart import RESULTS, asked, described, facts_of
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.files import save_picture, write_atomically
from recipes.report.summary import accuracy_by_step, reward_by_step
from recipes.runs import dumps
from recipes.runs.run_folder import RunFolder

PROBLEMS = 8  # whose responses the page shows


def responses(file: Path) -> dict[tuple[str, str], Counter[str]]:
    """(prompt, right answer) → how often each response to it came, of one validation."""
    found: dict[tuple[str, str], Counter[str]] = {}
    with dumps.opened(file) as lines:
        for row in map(json.loads, lines):
            found.setdefault((row["input"], row["gts"]), Counter())[row["output"]] += 1
    return found


def samples(run: Path) -> list[str]:
    """A table of what the model said before and after, to the same held-out problems."""
    validations = [file for _, file in dumps.files(RunFolder(run).responses("validation"))]
    if not validations:
        raise UserError(f"{run} holds no responses of a validation. Train it with dumps.keep=sample, the default.")
    before, after = responses(validations[0]), responses(validations[-1])
    lines = ["| problem | right | before | after |", "|---|---|---|---|"]
    for case in sorted(before)[:PROBLEMS]:
        prompt, right = case
        problem = next(line for line in prompt.splitlines() if line.endswith("="))  # of the chat around it
        cells = ["<br>".join(f"{n} × `{said}`" for said, n in side[case].most_common()) for side in (before, after)]
        lines.append(f"| `{problem}` | {right} | {cells[0]} | {cells[1]} |")
    return lines


def table(runs: list[dict[str, Any]]) -> list[str]:
    """One line per run."""
    lines = [
        "| run | steps | before | after | points | s/step | min |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        before, after = run["avg_at_4_before"], run["avg_at_4_after"]
        lines.append(
            f"| {run['run']} | {run['steps']} | {before:.1%} | {after:.1%} "
            f"| {100 * (after - before):+.1f} | {run['median_seconds_per_step']:.0f} "
            f"| {run['minutes_of_training_command']:.0f} |"
        )
    return lines


def draw(runs: list[Path], picture: Path) -> None:
    """Reward in training and accuracy on held-out problems over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 3.4), layout="constrained")
    for place, run in enumerate(runs):
        rows = RunFolder(run).rows()
        for form, curve, label in (
            ("-", reward_by_step(rows), "reward in training"),
            ("o--", accuracy_by_step(rows), "held out, Avg@4"),
        ):
            axis.plot(list(curve), list(curve.values()), form, color=f"C{place}", label=f"{run.name}: {label}")
    axis.set_xlabel("step")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, frameon=False)
    save_picture(figure, picture, dpi=130)
    pyplot.close(figure)


def page(folders: list[Path], runs: list[dict[str, Any]], note: str) -> str:
    """The Markdown page."""
    lines = [
        "# A real pretrained model learns on a CPU",
        "",
        "SmolLM2-135M, after a supervised warm start on boxed additions that stops at the first check at which more",
        "than a quarter comes out right ([its builder](../../recipes/inputs/smollm2_addition.py)), then trained by",
        "reinforcement learning on the same task:",
        "`python -m recipes.train experiment=smollm2_addition policy_loss=dgpo`.",
        "Avg@4 on held-out problems at temperature 1. A toy task: it shows that a real chat model learns from rewards",
        "here, not how methods compare. Made by `python -m benchmarks.smollm2`; manifests are in",
        "[smollm2.json](smollm2.json).",
        "",
        f"{described(runs[0]['manifest'])}.",
        "",
        *table(runs),
        "",
        "min: minutes from the start of training to its end, start-up and validations included, the making of the",
        "warm-started model excluded.",
        *(["", note] if note else []),
        "",
        "![reward and accuracy over the steps](smollm2-curves.png)",
        "",
        "## What it says, before and after",
        "",
        f"The first {PROBLEMS} of the held-out problems in alphabetical order, all four samples of each; "
        f"{folders[0].name}.",
        "",
        *samples(folders[0]),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the run folders and write the files."""
    arguments = asked(__doc__)
    folders = sorted(arguments.runs, key=lambda run: run.name)
    with command("Interrupted."):
        runs = [facts_of(run) for run in folders]
        text = page(folders, runs, arguments.note)
        write_atomically(RESULTS / "smollm2.json", json.dumps(runs, indent=1) + "\n")
        write_atomically(RESULTS / "smollm2.md", text)
        draw(folders, RESULTS / "smollm2-curves.png")
        print("\n".join(table(runs)))


if __name__ == "__main__":
    main()
