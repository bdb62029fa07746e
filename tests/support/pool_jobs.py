"""Jobs for scoring processes, which import them from here, and what tests ask about those processes."""

import json
import os
import pickle
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from reward.processes.pool import PoolSettings, ScoringPool

MIB = 2**20
PATIENCE = 60.0  # seconds; the machine may be busy


@contextmanager
def pool(**settings: Any) -> Iterator[ScoringPool]:
    """A pool with these settings, closed in the end."""
    one = ScoringPool(PoolSettings(**settings))
    try:
        yield one
    finally:
        one.close()


def environment() -> dict[str, str]:
    """The environment for a Python that finds the modules of this folder."""
    path = (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}


def in_new_python(code: str, *arguments: str) -> str:
    """What a script prints that runs in a Python of its own and ends well."""
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, env=environment())
    assert result.returncode == 0, result.stderr
    return result.stdout


def scoring_processes() -> set[psutil.Process]:
    """The processes that score for this one, as children of its fork server."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            if process.ppid() != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
        except psutil.NoSuchProcess:
            pass
    return found


def ended(pid: int) -> bool:
    """Whether a process has ended; who inherits it may take its time to wait for it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], Any]) -> bool:
    """Whether it holds before patience ends."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def pid_after(seconds: float) -> int:
    """Which process ran it, after some time."""
    time.sleep(seconds)
    return os.getpid()


def fill(mib: int) -> int:
    """Memory that is really written to."""
    return len(bytearray(mib * MIB))


def exit_while(fifo: str) -> str:
    """End this process if a byte can be taken out of the pipe. A sandboxed job can leave no other trace."""
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.read(descriptor, 1)
    except BlockingIOError:
        return "alive"
    os.abort()


def descriptors() -> list[str]:
    """What the process has open."""
    found = []
    for number in range(64):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        is_null = stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev
        found.append("null" if is_null else "socket" if stat.S_ISSOCK(status.st_mode) else oct(status.st_mode))
    return found


def fail(kind: type[BaseException]) -> None:
    """Raise an error of this kind."""
    raise kind("on purpose")


def as_function() -> Any:
    """A result that can't be pickled."""
    return lambda: None


def as_path() -> Any:
    """A result that is made by a class other than Comparison."""
    return Path("/")


def as_text(length: int) -> str:
    """A long result."""
    return "x" * length


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: str) -> None:
        self._marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self._marker}",)


def say(reply: bytes, seconds: float = 0.0) -> str:
    """Write to the process's socket beside its own reply, as a text might that took the process over."""
    for descriptor in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, reply)
        except OSError:
            pass
    time.sleep(seconds)
    return "own reply"


def say_touch(marker: str) -> str:
    """Send an object that creates the marker where it is unpickled."""
    return say(_framed(pickle.dumps((1, None, Touch(marker)))))


def framed(reply: object) -> bytes:
    """A reply as `reward.processes.worker` sends it."""
    return _framed(json.dumps(reply).encode())


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(8, "big") + payload
