"""Processes that import what they need and nothing else.

Python starts a process by running the caller's main script in it once more: an unguarded `print(score(...))` would
score without end, and a training would import Ray and vLLM for every scoring process. Ours need nothing from it.
"""

import multiprocessing.forkserver
import multiprocessing.process
import multiprocessing.spawn
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.popen_forkserver import Popen
from typing import Any

PRELOADED = ["reward.equivalence.compare"]  # parsers are imported once, in the fork server, then inherited
MAIN = ("init_main_from_name", "init_main_from_path")
_starting = threading.local()
_preparation_data = multiprocessing.spawn.get_preparation_data


def _without_main(name: str) -> dict[str, Any]:
    data = _preparation_data(name)
    if getattr(_starting, "ours", False):
        data = {key: value for key, value in data.items() if key not in MAIN}
    return data


multiprocessing.spawn.get_preparation_data = _without_main  # every other process is started as before


@contextmanager
def _ours() -> Iterator[None]:
    _starting.ours = True
    try:
        yield
    finally:
        _starting.ours = False


class _PlainProcess(ForkServerProcess):
    def start(self) -> None:
        """Also in the daemonic processes of Python's pools, where it forbids that: ours end with who started them."""
        config: dict[str, Any] = multiprocessing.process.current_process()._config  # type: ignore[attr-defined]
        daemonic = config.pop("daemon", None)
        try:
            super().start()
        finally:
            if daemonic is not None:
                config["daemon"] = daemonic

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with _ours():
            try:
                return Popen(process_obj)
            except ChildProcessError:  # the fork server has ended and somebody else has waited for it, as psutil does
                leave_fork_server()
                return Popen(process_obj)  # which starts another one


class PlainContext(ForkServerContext):
    """A fork server's context whose processes leave the main script alone."""

    Process = _PlainProcess  # type: ignore[assignment]


def preload(module: str) -> None:
    """Import a module in the fork server, too, if it has not started yet; one that can't be imported is left out."""
    if module not in PRELOADED:
        PRELOADED.append(module)


def plain_context() -> PlainContext:
    """The context to start scoring processes in."""
    context = PlainContext()
    context.set_forkserver_preload(list(PRELOADED))
    return context


def leave_fork_server() -> None:
    """Let the fork server end with the process that started it: every process that knows the server keeps it alive."""
    server: Any = multiprocessing.forkserver._forkserver  # type: ignore[attr-defined]
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
    server.__init__()


def _after_fork() -> None:
    """A forked child has neither its parent's fork server nor its children: waiting for them would raise."""
    leave_fork_server()
    multiprocessing.process._children.clear()  # type: ignore[attr-defined]


os.register_at_fork(after_in_child=_after_fork)
