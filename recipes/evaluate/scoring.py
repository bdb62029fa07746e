"""Verdicts on the samples, and what they add up to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.checks import reward
from recipes.common import progress_bar
from recipes.common.files import write_atomically
from recipes.evaluate import results, verifiers
from recipes.evaluate.evaluation import Plan
from recipes.evaluate.row_file import RowFile, key_of, read_rows
from reward.options import RewardOptions


def score_and_count(plan: Plan, shown: Console) -> None:
    title = f"{plan.folder.path.name}"
    for place, name in enumerate(plan.settings["verifiers"]):
        file = plan.folder.verdicts(name)
        _score(plan, name, file, shown)
        found = results.all_records(results.sheets(plan.keys, read_rows(file)), plan.settings["pass_at"])
        _write(plan, name, found)
        if place == 0:
            shown.print(results.table(found, title, plan.settings["samples"]))
        else:
            shown.print(f"{name}: Avg@{plan.settings['samples']} {results.percent(found[results.AVERAGE]['avg'])}")
        if missing := found[results.AVERAGE]["missing"]:
            shown.print(f"{missing:,} of {len(plan.keys):,} samples are missing and left out, not counted as wrong")
    shown.print(f"results     {plan.folder.path}")


def _score(plan: Plan, name: str, file: Path, shown: Console) -> None:
    wanted = set(plan.keys)
    with RowFile(file) as rows:
        left = len(wanted) - len(wanted & rows.keys)
        if not left:
            return

        def unscored() -> Iterator[tuple[Any, str, list[str], Any]]:
            for row in read_rows(plan.folder.samples):
                key = key_of(row)
                if key in wanted and key not in rows.keys:
                    problem = plan.problems[key[:2]]
                    yield row, row["response"], list(problem.golds), problem.task

        with (
            verifiers.VERIFIERS[name](_options(plan)) as submit,
            progress_bar.counting(shown, f"scoring ({name})", len(wanted), len(wanted) - left) as counter,
        ):
            for row, verdict in verifiers.verdicts(submit, unscored()):
                rows.append(
                    {
                        **{key: row[key] for key in ("benchmark", "problem", "sample", "tokens", "truncated")},
                        **{"acc": verdict.acc, "pred": verdict.pred, "status": verdict.status},
                    }
                )
                counter.advance()


def _options(plan: Plan) -> RewardOptions:
    """How the answer is found: a template that opens `<think>` leaves only what follows `</think>`."""
    opens = False
    if plan.model is not None:
        model = plan.config.actor_rollout_ref.model
        opens = reward.opens_thinking(reward.load_tokenizer(model), model.get("custom_chat_template"))
    return RewardOptions(require_box=plan.settings["require_box"], thinking_open=opens)


def _write(plan: Plan, verifier: str, records: dict[str, Any]) -> None:
    """results-<verifier>.json: the numbers, and what they are numbers of."""
    run = plan.model.run_config if plan.model else None
    content = {
        "evaluation": json.loads(plan.folder.identity.read_text()),
        "eval": plan.config.eval_name,
        "samples": plan.settings["samples"],
        "verifier": verifier,
        "run": run and {"project": run.trainer.project_name, "name": run.trainer.experiment_name, "seed": run.seed},
        "step": plan.model.step if plan.model else None,
        "records": records,
    }
    write_atomically(plan.folder.results(verifier), json.dumps(content, indent=1, allow_nan=False) + "\n")
