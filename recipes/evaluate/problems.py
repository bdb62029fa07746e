"""The problems of the benchmarks, read from parquet files in verl's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    if not files:
        raise UserError("eval.files is empty: write eval=paper, or eval.files.<name>=<parquet file>.")
    found: list[Problem] = []
    for benchmark, file in files.items():
        found += _load_one(benchmark, Path(file).expanduser(), most)
    return found


def _load_one(benchmark: str, file: Path, most: int | None) -> list[Problem]:
    import pyarrow.parquet

    key = f"eval.files.{benchmark}"
    data_files.check(key, str(file))
    rows = pyarrow.parquet.read_table(file).slice(0, most).to_pylist()
    problems = [_problem(benchmark, number, row, f"{key}={file}, row {number}") for number, row in enumerate(rows)]
    ids = {problem.id for problem in problems}
    if len(ids) < len(problems):
        raise UserError(f"{key}={file}: extra_info.id is the same for several problems; it has to tell them apart.")
    return problems


def _problem(benchmark: str, number: int, row: dict[str, Any], where: str) -> Problem:
    extra = row.get("extra_info") or {}
    if extra.get("task") and extra.get("entry"):
        raise UserError(
            f"{where} is a procedural task, which its library's own verifier judges, and an evaluation's do not. Its "
            "accuracy is measured by the training's own validation: write trainer.test_freq=20 there."
        )
    try:
        golds = accepted_answers(row["reward_model"]["ground_truth"])
        messages = tuple({"role": turn["role"], "content": turn["content"]} for turn in row["prompt"])
        if not messages or not all(turn["content"] for turn in messages):
            raise ValueError("the prompt is empty")
        task = task_of(extra)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: {error}. Run `python -m recipes.prepare_data data=benchmarks` again.") from error
    name = extra.get("id")
    return Problem(benchmark, str(extra.get("index", number) if name is None else name), messages, tuple(golds), task)
