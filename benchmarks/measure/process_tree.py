"""Memory of a process and all it has started, and waiting for it with a limit."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence

import psutil


class TreeMemory:
    """The most memory that a process, and the process with its descendants, held at any look.

    Args:
        pid: of the process.
        shared_once: count pages that processes share once (PSS) instead of in each of them (RSS); slower to read.

    Attributes:
        driver, tree: bytes.
    """

    def __init__(self, pid: int, shared_once: bool = False) -> None:
        self._pid, self._shared_once = pid, shared_once
        self.driver = self.tree = 0

    def look(self) -> None:
        """Read the memory once; a process that is gone holds nothing."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._pid)
            driver = self._bytes(root)
            self.driver = max(self.driver, driver)
            self.tree = max(self.tree, driver + sum(map(self._bytes, root.children(recursive=True))))

    def _bytes(self, process: psutil.Process) -> int:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            return int(process.memory_full_info().pss if self._shared_once else process.memory_info().rss)
        return 0


def wait(
    process: "subprocess.Popen[bytes]", limit: float, looks: Sequence[tuple[float, Callable[[], None]]] = ()
) -> float:
    """Wait for a process of ours; at the limit end it and all it has started.

    Args:
        process: a child of this process.
        limit: seconds.
        looks: pairs of an interval in seconds and what is called that often meanwhile.

    Returns:
        Seconds until it ended.

    Raises:
        TimeoutError: it had not ended by then.
    """
    started = time.perf_counter()
    due = [started] * len(looks)
    while process.poll() is None:
        now = time.perf_counter()
        if now - started > limit:
            end(process)
            raise TimeoutError(f"{' '.join(map(str, process.args))[:200]} did not end within {limit:.0f} s")  # type: ignore[arg-type]
        for index, (interval, look) in enumerate(looks):
            if now >= due[index]:
                look()
                due[index] = time.perf_counter() + interval
        time.sleep(0.05)
    return time.perf_counter() - started


def end(process: "subprocess.Popen[bytes]", grace: float = 30.0) -> None:
    """End a child and what it has started, first by asking; harmless when they have ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
        process.kill()
        for one in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(started, timeout=grace)
    process.wait()
