"""verl's schema, the same for every file but for the type of the gold, so that files can be concatenated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recipes.prepare_data.problems import Problem
from recipes.prepare_data.settings import Part, Template

ROWS_AT_ONCE = 8192


def row_of(problem: Problem, index: int, part: Part, template: Template) -> dict[str, Any]:
    """A row as verl reads it; `extra_info.answer` is what reward.verl_entry tells the reward about the answer."""
    task = problem.task
    return {
        "data_source": part.data_source,
        "prompt": template.render(problem.text),
        "ability": "math",
        "reward_model": {
            "style": "rule",
            "ground_truth": list(problem.golds) if part.benchmark else next(iter(problem.golds), ""),
        },
        "extra_info": {
            "split": "test" if part.benchmark else "train",
            "index": index,
            "id": problem.id,
            "problem": problem.text,
            "answer": {"unit": task.unit, "tolerance": task.tolerance, "multiple": task.multiple},
        },
    }


def write(path: Path, rows: Iterable[dict[str, Any]], *, benchmark: bool) -> None:
    """Write rows as one Parquet file, a few thousand at a time."""
    import pyarrow
    import pyarrow.parquet

    schema = _schema(benchmark)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == ROWS_AT_ONCE:
                writer.write_table(pyarrow.Table.from_pylist(batch, schema))
                batch = []
        writer.write_table(pyarrow.Table.from_pylist(batch, schema))


def _schema(benchmark: bool) -> Any:
    import pyarrow as pa

    text = pa.string()
    answer = pa.struct([("unit", text), ("tolerance", pa.float64()), ("multiple", pa.bool_())])
    extra = [("split", text), ("index", pa.int64()), ("id", text), ("problem", text), ("answer", answer)]
    return pa.schema(
        [
            ("data_source", text),
            ("prompt", pa.list_(pa.struct([("role", text), ("content", text)]))),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", pa.list_(text) if benchmark else text)])),
            ("extra_info", pa.struct(extra)),
        ]
    )
