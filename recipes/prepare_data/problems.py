"""A row of any of the files as one kind of thing: the bare problem, its accepted answers, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.prepare_data.golds import Missing, read_golds
from recipes.prepare_data.rows import Row, read_rows, value_at
from recipes.prepare_data.settings import Columns, Part, Strip
from reward.task import Task


@dataclass(frozen=True)
class Problem:
    """A problem.

    row: line of a JSON lines file, or place in another one; from 1, as editors count.
    id: as the data set names it, else `<data_source>-<row>`.
    text: the problem alone, without the prompt template of the source.
    golds: the accepted answers; none where the row states none.
    alternatives: what a second file gives as further forms of them, not yet believed.
    task: what the data set says about the answer.
    """

    row: int
    id: str
    text: str
    golds: tuple[str, ...]
    task: Task
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Malformed:
    """A row that is no problem."""

    row: int
    reason: str
    text: str


class _Unfit(ValueError):
    """Why a row is malformed."""


def read_problems(file: Path, part: Part, more: Mapping[str, tuple[str, ...]]) -> Iterator[Problem | Malformed]:
    """The problems of a file, one at a time.

    Args:
        file: what `part.source` names, or a copy.
        part: how to read it.
        more: further accepted answers by id (`part.alternatives`).
    """
    for row in read_rows(file, part.format_of(file.name), [*part.columns.all(), part.gold.column]):
        try:
            yield _problem(row, part, more)
        except _Unfit as error:
            yield Malformed(row.number, str(error), str(row.content))


def _problem(row: Row, part: Part, more: Mapping[str, tuple[str, ...]]) -> Problem:
    if not isinstance(row.content, dict):
        raise _Unfit(row.problem or "is no object")
    content, columns = row.content, part.columns
    text = _stripped(_value(content, columns.problem), part.strip)
    identity = value_at(content, columns.id) if columns.id else None
    try:
        golds = read_golds(_value(content, part.gold.column, may_be_null=True), part.gold)
    except Missing:
        golds = ()
    except ValueError as error:
        raise _Unfit(str(error)) from error
    name = f"{part.data_source}-{row.number}" if identity is None else str(identity)
    task = _task(content, columns)
    alternatives = tuple(one for one in more.get(str(identity), ()) if one not in golds)
    _check_writable(text, name, task.unit or "", *golds, *alternatives)
    return Problem(row.number, name, text, golds, task, alternatives)


def _check_writable(*texts: str) -> None:
    """JSON can spell half of a surrogate pair, which UTF-8 and so a data file can't hold."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise _Unfit(f"holds {error.object[error.start]!a}, half of a character") from error


def _value(content: dict[str, Any], column: str, may_be_null: bool = False) -> Any:
    value = value_at(content, column)
    if value is None and not (may_be_null and column in content):
        raise _Unfit(f"has no {column}")
    return value


def _stripped(text: Any, strip: Strip) -> str:
    if not isinstance(text, str):
        raise _Unfit(f"holds a {type(text).__name__} where the problem should stand")
    if not (text.startswith(strip.before) and text.endswith(strip.after)):
        raise _Unfit("lacks the prompt template that this source puts around its problems")
    return text[len(strip.before) : len(text) - len(strip.after)].strip()


def _task(content: dict[str, Any], columns: Columns) -> Task:
    unit, tolerance, multiple = (
        value_at(content, column) if column else None for column in (columns.unit, columns.tolerance, columns.multiple)
    )
    try:
        return Task(unit or None, float(tolerance) if tolerance else None, bool(multiple))
    except (TypeError, ValueError) as error:
        raise _Unfit(f"{columns.tolerance}={tolerance!r}: {error}") from error
