"""A folder whose disk fills up, or whose process is killed, at the n-th thing that Python code does to it.

Points are: a file opened for writing, every write, every fsync, every rename, every new folder, every deletion. Files
are opened through `Disk.open` (put it in the place of `open` and `io.open`); names are seen by an audit hook.

A disk that is full stays full: from the n-th point on nothing can be written or made, renaming and deleting go on. A
killed process does nothing more, whatever its `finally` blocks say.
"""

import errno
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FULL, KILLED = "full", "killed"
_NAMES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir"}
_FREEING = {"os.rename", "os.remove", "os.rmdir"}  # a full disk still does these


class Killed(BaseException):
    """Nothing after this happens."""


class ThreadKilled(OSError):
    """The same in a thread: whoever waits for it must not wait for ever."""


def is_end_of_a_thread(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, is no fault: with the process its thread has ended."""
    while error is not None and not isinstance(error, ThreadKilled):
        error = error.__cause__ or error.__context__
    return error is not None


class Disk:
    """The disk under one folder.

    Attributes:
        points: what was done since `failing` began, as (what, name of the file).
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.points = str(folder), list[tuple[str, str]]()
        self._at: int | None = None
        self._how = FULL
        self._watching = False
        sys.addaudithook(self._hear)  # stays until the process ends

    @contextmanager
    def failing(self, at: int | None, how: str = FULL) -> Iterator[None]:
        """Count points within the block and fail from the one with index `at` on; None: never."""
        real = io.open, os.fsync
        self.points, self._at, self._how, self._watching = [], at, how, True
        io.open = __builtins__["open"] = self.open  # type: ignore[index]
        os.fsync = self._fsync
        try:
            yield
        finally:
            io.open, os.fsync = real
            __builtins__["open"] = real[0]  # type: ignore[index]
            self._watching = False

    @property
    def has_just_failed(self) -> bool:
        """Whether the last point was the first to fail."""
        return self._at is not None and len(self.points) == self._at + 1

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Nothing in the block counts or fails."""
        watching, self._watching = self._watching, False
        try:
            yield
        finally:
            self._watching = watching

    def point(self, what: str, file: Any) -> None:
        """Something is about to be done to a file below the folder; raises where it is to fail."""
        name = os.fsdecode(file) if isinstance(file, str | bytes | os.PathLike) else ""
        if not self._watching or not name.startswith(self.folder):
            return
        self.points.append((what, name))
        if self._at is None or len(self.points) <= self._at:
            return
        if self._how == KILLED and threading.current_thread() is threading.main_thread():
            raise Killed(f"{what} {name}")
        if self._how == KILLED:
            raise ThreadKilled(f"{what} {name}")
        if what not in _FREEING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([name] if what in ("open", "os.mkdir") else []))

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _NAMES:
            self.point(event, arguments[0])
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            self.point("open", arguments[0])

    def _fsync(self, descriptor: int) -> None:
        self.point("fsync", Path(f"/proc/self/fd/{descriptor}").readlink())
        _FSYNC(descriptor)

    def open(self, file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
             newline: Any = None, closefd: bool = True, opener: Any = None) -> Any:  # fmt: skip
        """As the built-in, with writes that count."""
        if opener or not set(mode) & set("wax+") or not isinstance(file, str | os.PathLike):
            return _OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _File(self, file, mode)
        if buffering == 0:
            return raw
        layer: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return layer
        return io.TextIOWrapper(layer, encoding or "utf-8", errors, newline, line_buffering=buffering == 1)


class _File(io.FileIO):
    """A file that may take the first half of what is written only."""

    def __init__(self, disk: Disk, file: Any, mode: str) -> None:
        super().__init__(file, mode.replace("b", "").replace("t", ""))
        self._disk, self._path = disk, os.fspath(file)

    def write(self, data: Any) -> int:
        try:
            self._disk.point("write", self._path)
        except (OSError, Killed):
            if self._disk.has_just_failed:
                view = memoryview(data).cast("B")
                super().write(view[: len(view) // 2])
            raise
        return super().write(data)


_OPEN, _FSYNC = io.open, os.fsync
