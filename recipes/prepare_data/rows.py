"""Rows of JSON lines, JSON and Parquet files, one at a time: DAPO's public file has 1.8 million."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError

BATCH = 8192  # rows of a Parquet file that are Python objects at the same time


@dataclass(frozen=True)
class Row:
    """One row; `problem` says why `content` is no dict where it is none."""

    number: int
    content: Any
    problem: str = ""


def read_rows(file: Path, form: str, columns: list[str]) -> Iterator[Row]:
    """The rows of a file.

    Args:
        file: to read.
        form: jsonl, json or parquet.
        columns: which are needed; dots lead into nested fields.

    Raises:
        UserError: the file as a whole can't be read.
    """
    try:
        yield from READERS[form](file, columns)
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is no UTF-8 text ({error.reason} at byte {error.start}).") from error


def value_at(content: Any, column: str) -> Any:
    """The value at a dotted name such as `prompt.0.content`; None where there is none, or NaN."""
    for step in column.split("."):
        if isinstance(content, dict):
            content = content.get(step)
        elif isinstance(content, list) and step.isdigit() and int(step) < len(content):
            content = content[int(step)]
        else:
            return None
    return None if content != content else content  # NaN, as data frames write that there is none


def _json_lines(file: Path, columns: list[str]) -> Iterator[Row]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _json_line(number, line)


def _json_line(number: int, line: str) -> Row:
    try:
        return Row(number, json.loads(line))
    except (ValueError, RecursionError) as error:
        return Row(number, line.rstrip("\n"), f"is no JSON ({error})")


def _json(file: Path, columns: list[str]) -> Iterator[Row]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: is no JSON ({error}); it may have been cut off. Download it again.") from error
    if not isinstance(content, list):
        raise UserError(f"{file}: holds a JSON {type(content).__name__}, not a list of rows.")
    for number, row in enumerate(content, start=1):
        yield Row(number, row)


def _parquet(file: Path, columns: list[str]) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    needed = list(dict.fromkeys(column.split(".")[0] for column in columns))
    try:
        parquet = pyarrow.parquet.ParquetFile(file)
        if missing := [name for name in needed if name not in parquet.schema_arrow.names]:
            found = ", ".join(parquet.schema_arrow.names)
            raise UserError(f"{file}: has no column {', '.join(missing)}; found {found}. Write parts.<name>.columns.….")
        number = 0
        for batch in parquet.iter_batches(BATCH, columns=needed):
            for row in batch.to_pylist():
                yield Row(number := number + 1, row)
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{file}: is no readable Parquet file ({error}); download it again.") from error


READERS = {"jsonl": _json_lines, "json": _json, "parquet": _parquet}
