"""A JSON-lines file that grows row by row and survives a kill: what is complete stays, a cut-off tail is dropped.

Each row has a key (benchmark, problem, sample), and no key stands there twice. What else a row must hold is told by
its kind: a sample's response, a verdict's accuracy.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, TracebackType
from typing import Any, NoReturn

from recipes.common.errors import Failure, UserError
from recipes.common.files import is_full

Key = tuple[str, str, int]
Fields = Mapping[str, tuple[type, ...]]
COMMON: Fields = {"tokens": (int, NoneType), "truncated": (bool, NoneType)}  # may be missing
SAMPLE: Fields = {"response": (str,)}
VERDICT: Fields = {"acc": (int, float), "pred": (str,), "status": (str,)}


def key_of(row: dict[str, Any]) -> Key:
    """(benchmark, problem, sample) of a row.

    Raises:
        KeyError, TypeError, ValueError: the row lacks one of them.
    """
    sample = row["sample"]
    if not isinstance(sample, int) or isinstance(sample, bool) or sample < 0:
        raise ValueError(f"sample={sample!r} is no number from 0 on")
    return str(row["benchmark"]), str(row["problem"]), sample


def _row(line: bytes, fields: Fields) -> dict[str, Any]:
    """A row from its line.

    Raises:
        KeyError, TypeError, ValueError, RecursionError: it is none.
    """
    row = json.loads(line, parse_constant=_no_constant)
    key_of(row)
    if "cut_off" in row:  # its name in rows of version 0.1
        row["truncated"] = row.pop("cut_off")
    given = {name: row[name] for name in fields} | {name: row.get(name) for name in COMMON}
    for name, value in given.items():
        if not isinstance(value, (*fields.get(name, ()), *COMMON.get(name, ()))):
            raise TypeError(f"{name} is {type(value).__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name}={value}")
    return dict(row)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def read_rows(path: Path, fields: Fields | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a file, one after the other; none where there is no file.

    Args:
        path: of the file.
        fields: what a row holds beside its key.

    Raises:
        UserError: names the line that is no row.
    """
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = _row(line, fields or {})
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                wanted = ", ".join(["benchmark", "problem", "sample", *(fields or {})])
                raise UserError(
                    f"{path}, line {number}: no row with {wanted} ({type(error).__name__}: {error}). Remove that "
                    "line; what is missing then is done again."
                ) from error
            yield row


class RowFile:
    """Appends rows; use as a context manager.

    Args:
        path: of the file.
        fields: what a row holds beside its key.

    Attributes:
        keys: of the rows that are there.
        dropped: bytes of a last row that was cut off by a crash.

    Raises:
        UserError: a line inside the file is no row, or a key stands there twice.
    """

    def __init__(self, path: Path, fields: Fields | None = None) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.dropped = _drop_cut_off_tail(path)
        self.keys: set[Key] = set()
        for row in read_rows(path, fields):
            if key_of(row) in self.keys:
                raise UserError(f"{path} holds {key_of(row)} twice. Move the file away, or remove one of the two.")
            self.keys.add(key_of(row))

    def __enter__(self) -> "RowFile":
        self._file = self.path.open("ab", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, row: dict[str, Any]) -> None:
        """Write one row, at once and whole.

        Raises:
            Failure: the disk is full; the file then ends with the row before.
            ValueError: the key is there already.
        """
        key = key_of(row)
        if key in self.keys:
            raise ValueError(f"{self.path} holds {key} already")
        # ASCII: a lone surrogate in a response could not be written as UTF-8.
        data = memoryview((json.dumps(row, allow_nan=False) + "\n").encode("ascii"))
        end = self._file.tell()
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._file.truncate(end)
            if not is_full(error):
                raise
            raise Failure(
                f"{self.path}: {error.strerror}. {len(self.keys):,} rows are kept; make room and run the same command "
                "again, it continues there."
            ) from error
        self.keys.add(key)


def _drop_cut_off_tail(path: Path) -> int:
    """Remove what follows the last line feed; return how many bytes that was."""
    if not path.is_file():
        return 0
    size = path.stat().st_size
    with path.open("rb+") as file:
        end = size
        while end > 0:
            start = max(0, end - (1 << 20))
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        file.truncate(end)
    return size - end
