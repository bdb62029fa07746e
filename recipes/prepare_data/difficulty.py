"""How hard each problem is for a model, as an evaluation of ours has measured it; what is too easy or too hard goes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.prepare_data import parquet
from recipes.prepare_data.problems import Problem
from recipes.prepare_data.settings import Part, Template
from recipes.runs.evaluation_folder import EvaluationFolder, problems_digest
from reward.scoring import accepted_answers
from reward.verl_entry import task_of

NOT_MEASURED, TOO_HARD, TOO_EASY = "not measured", "too few right answers", "too many right answers"


@dataclass(frozen=True)
class Difficulty:
    """What was measured, and which part of it is wanted.

    Attributes:
        file: the results.
        sha256: of what was measured, since results are rewritten with more samples.
        benchmark: as the evaluation calls the problems.
        shares: share of right answers by problem; None where a problem has no verdict.
        digest: of the problems that were asked.
        asked: how many.
        by: the model, and how often each was asked.
        low, high: least and most share that is kept, both included.
    """

    file: Path
    sha256: str
    benchmark: str
    shares: dict[str, float | None]
    digest: str
    asked: int
    by: str
    low: float
    high: float

    def refuse_others(self, problems: list[Problem], part: Part, template: Template) -> None:
        """Raise UserError if other problems were measured than those that this preparation writes.

        Args:
            problems: all that would be written, in order.
            part: they are written as.
            template: they are put into.
        """
        written = (parquet.row_of(one, index, part, template) for index, one in enumerate(problems[: self.asked]))
        asked = (
            (
                self.benchmark,
                row["extra_info"]["id"],
                row["prompt"],
                accepted_answers(row["reward_model"]["ground_truth"]),
                task_of(row["extra_info"]),
            )
            for row in written
        )
        if problems_digest(asked) != self.digest:
            raise UserError(
                f"difficulty={self.file}: other problems were measured than the first {self.asked} of this set in "
                f"template={template.name}. Prepare it without difficulty=, evaluate that train.parquet, then write "
                "the same overrides with difficulty=."
            )

    def why_not(self, problem: Problem) -> str | None:
        """Why a problem is dropped; None where it is kept."""
        share = self.shares.get(problem.id)
        if share is None:
            return NOT_MEASURED
        return TOO_HARD if share < self.low else TOO_EASY if share > self.high else None


def load(given: str, keep: list[float]) -> Difficulty:
    """Read what an evaluation found.

    Args:
        given: its folder, or its results file.
        keep: least and most share of right answers.

    Raises:
        UserError: it is no evaluation of ours, or one of several sets.
    """
    path = Path(given).expanduser()
    file = EvaluationFolder(path).results() if path.is_dir() else path
    try:
        content = read_mapping(file)
        records = {name: one["per_problem"] for name, one in content["records"].items() if "per_problem" in one}
        made = content["evaluation"]
        digest, asked, model = made["problems_sha256"], int(made["problems"]), made["model"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"difficulty={given}: no results of python -m recipes.evaluate ({type(error).__name__}: {error}). Write "
            "the folder of an evaluation, as outputs/evaluations/<name>."
        ) from error
    if len(records) != 1:
        raise UserError(
            f"difficulty={given}: an evaluation of {', '.join(records) or 'nothing'}. Evaluate the training set "
            "alone: +eval.files.train=<its train.parquet> eval.benchmarks=[train] eval.max_problems=null."
        )
    ((benchmark, shares),) = records.items()
    sha256 = hashlib.sha256(json.dumps([digest, shares], sort_keys=True).encode()).hexdigest()
    by = f"{model}, {content['samples']} samples per problem, verifier {content['verifier']}"
    return Difficulty(file, sha256, benchmark, shares, digest, asked, by, *keep)
