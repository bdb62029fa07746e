"""End every process of a run, and only those.

Ray and vLLM start processes that outlive a killed parent. The driver becomes the reaper of its orphaned descendants, so
that at the end they are still its children and can be told from anybody else's.
"""

import contextlib
import ctypes
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from types import FrameType

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent dies (Linux; elsewhere a no-op)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _descendants() -> list[psutil.Process]:
    # multiprocessing's tracker of this process's semaphores is deaf to SIGTERM, and ends when this process does.
    tracker = getattr(resource_tracker._resource_tracker, "_pid", None)  # type: ignore[attr-defined]
    return [process for process in psutil.Process().children(recursive=True) if process.pid != tracker]


def end_descendants(grace: float = 10.0) -> int:
    """Terminate all descendants, kill those that are still there after `grace` seconds; return how many there were.

    A process of another user, as under sudo, is not ours to end: it is passed over.
    """
    ended, foreign = 0, set[psutil.Process]()
    # A raylet may start a worker between the look and the signal, so look until there is nothing left.
    while descendants := [process for process in _descendants() if process not in foreign]:
        foreign.update(process for process in descendants if not _signalled(process.terminate))
        ours = [process for process in descendants if process not in foreign]
        ended += len(ours)
        _, alive = psutil.wait_procs(ours, timeout=grace)
        foreign.update(process for process in alive if not _signalled(process.kill))
        psutil.wait_procs(alive, timeout=grace)
    return ended


def _signalled(send: Callable[[], None]) -> bool:
    """Whether a process may be sent the signal; one that has just ended may."""
    try:
        send()
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        return False
    return True


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived: the run is to end in order, like after Ctrl-C."""


def raise_on_termination() -> None:
    """Turn SIGTERM and SIGHUP into an exception in the main thread."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise Terminated(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has asked to live on
        signal.signal(signal.SIGHUP, handler)


def ignore_interrupts() -> None:
    """From here on the process is cleaning up; a second Ctrl-C must not leave half of it undone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Like ignore_interrupts, but only for the block: the process goes on afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    ignore_interrupts()
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # installed by something other than Python
                signal.signal(number, handler)
