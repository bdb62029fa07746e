"""The problems of the benchmarks, read from parquet files in verl's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.checks import golds
from recipes.checks.rows import is_chat
from recipes.common.errors import UserError
from recipes.inputs import data_files
from reward.scoring import accepted_answers
from reward.task import Task
from reward.verl_entry import task_of


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        benchmark: name of the file it is from in the config.
        id: unique in its benchmark.
        messages: the prompt as chat messages.
        golds: accepted answers.
        task: what the data set says about the answer.
    """

    benchmark: str
    id: str
    messages: tuple[dict[str, str], ...]
    golds: tuple[str, ...]
    task: Task


def load(files: Mapping[str, str], most: int | None = None) -> list[Problem]:
    """All problems, benchmark after benchmark.

    Args:
        files: parquet file by name of the benchmark.
        most: problems per benchmark, the first ones; None for all.

    Raises:
        UserError: names the key and file, the row where one is malformed, and what to write.
    """
    found: list[Problem] = []
    for benchmark, file in files.items():
        found += _load_one(benchmark, Path(file).expanduser(), most)
    return found


def _load_one(benchmark: str, file: Path, most: int | None) -> list[Problem]:
    key = f"eval.files.{benchmark}"
    rows = data_files.load(key, str(file)).to_list()[:most]
    problems = [_problem(benchmark, number, row, f"{key}={file}, row {number}") for number, row in enumerate(rows)]
    ids = {problem.id for problem in problems}
    if len(ids) < len(problems):
        raise UserError(f"{key}={file}: extra_info.id is the same for several problems; it has to tell them apart.")
    return problems


def _problem(benchmark: str, number: int, row: dict[str, Any], where: str) -> Problem:
    if why := golds.misshapen(row) or golds.never_earned(row["reward_model"].get("ground_truth")):
        raise UserError(f"{where}: {why}")
    extra = row.get("extra_info") or {}
    if extra.get("task") and extra.get("entry"):
        raise UserError(
            f"{where} is a procedural task, which its library's own verifier judges, and an evaluation's do not. Its "
            "accuracy is measured by the training's own validation: write trainer.test_freq=20 there."
        )
    try:
        accepted = accepted_answers(row["reward_model"]["ground_truth"])
        messages = _messages(row["prompt"])
        task = task_of(extra)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: {error}. Run `python -m recipes.prepare_data data=benchmarks` again.") from error
    name = extra.get("id")
    return Problem(
        benchmark, str(extra.get("index", number) if name is None else name), messages, tuple(accepted), task
    )


def _messages(prompt: Any) -> tuple[dict[str, str], ...]:
    """The prompt without what else may stand beside role and content."""
    turns = [{name: turn[name] for name in ("role", "content")} for turn in prompt] if is_chat(prompt) else []
    if not turns or not all(isinstance(text, str) and text for turn in turns for text in turn.values()):
        raise ValueError("the prompt is empty, or a message of it lacks its role or content, which are text")
    return tuple(turns)
