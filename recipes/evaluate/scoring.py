"""Verdicts on the samples, and what they add up to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from recipes.checks import reward
from recipes.common import progress_bar
from recipes.common.files import write_atomically
from recipes.evaluate import identity, results, verifiers
from recipes.evaluate.evaluation import Evaluation
from recipes.evaluate.row_file import SAMPLE, VERDICT, RowFile, key_of, read_rows
from reward.options import RewardOptions

BROKEN = ("timeout", "crashed")  # statuses that say nothing about the response


def score_and_count(evaluation: Evaluation, shown: Console) -> None:
    title = f"{evaluation.folder.path.name}"
    for place, name in enumerate(evaluation.settings["verifiers"]):
        file = evaluation.folder.verdicts(name)
        _score(evaluation, name, file, shown)
        sheets = results.sheets(evaluation.keys, read_rows(file, VERDICT))
        found = results.all_records(sheets, evaluation.settings["pass_at"])
        _write(evaluation, name, found)
        if place == 0:
            shown.print(results.table(found, title, evaluation.settings["samples"]))
        else:
            average = results.percent(found[results.AVERAGE]["avg"])
            shown.print(f"{name}: Avg@{evaluation.settings['samples']} {average}")
        if broken := sum(sheet.statuses[status] for sheet in sheets.values() for status in BROKEN):
            shown.print(
                f"{name}: {broken:,} comparisons came to no end ({' or '.join(BROKEN)}) and count as wrong; "
                f"to try them again remove {file}",
                markup=False,
            )
        if missing := found[results.AVERAGE]["missing"]:
            total = len(evaluation.keys)
            shown.print(f"{missing:,} of {total:,} samples are missing and left out, not counted as wrong")
    shown.print(f"results     {evaluation.folder.path}")


def _score(evaluation: Evaluation, name: str, file: Path, shown: Console) -> None:
    wanted = set(evaluation.keys)
    with RowFile(file, VERDICT) as rows:
        left = len(wanted) - len(wanted & rows.keys)
        if not left:
            return

        def unscored() -> Iterator[tuple[Any, str, list[str], Any]]:
            for row in read_rows(evaluation.folder.samples, SAMPLE):
                key = key_of(row)
                if key in wanted and key not in rows.keys:
                    problem = evaluation.problems[key[:2]]
                    yield row, row["response"], list(problem.golds), problem.task

        with (
            verifiers.VERIFIERS[name](_options(evaluation)) as submit,
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


def _options(evaluation: Evaluation) -> RewardOptions:
    """How the answer is found: a template that opens `<think>` leaves only what follows `</think>`."""
    opens = False
    if evaluation.model is not None:
        model = evaluation.config.actor_rollout_ref.model
        opens = reward.opens_thinking(reward.load_tokenizer(model), model.get("custom_chat_template"))
    return RewardOptions(require_box=evaluation.settings["require_box"], thinking_open=opens)


def _write(evaluation: Evaluation, verifier: str, records: dict[str, Any]) -> None:
    """results-<verifier>.json: the numbers, and what they are numbers of."""
    run = evaluation.model.run_config if evaluation.model else None
    content = {
        "evaluation": identity.read(evaluation.folder.identity),
        "eval": evaluation.config.eval_name,
        "samples": evaluation.settings["samples"],
        "verifier": verifier,
        "run": run and {"project": run.trainer.project_name, "name": run.trainer.experiment_name, "seed": run.seed},
        "step": evaluation.model.step if evaluation.model else None,
        "records": records,
    }
    write_atomically(evaluation.folder.results(verifier), json.dumps(content, indent=1, allow_nan=False) + "\n")
