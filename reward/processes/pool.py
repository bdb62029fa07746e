"""A pool of scoring processes that can be killed one by one.

math-verify and sympy may run for ever, exhaust the memory or crash on text that a model wrote. Here a job has a
deadline counted from its own start, in a process with limits (reward/processes/sandbox.py) that is killed when
it passes them and replaced. A job whose process died for any other reason is tried once more.
"""

import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from typing import Any

from reward.processes.worker import Died, NotStarted, Raised, Worker
from reward.verdict import Status

logger = logging.getLogger(__name__)
ATTEMPTS = 2  # of a job whose process dies
MOST_KINDS = 100  # of errors that are logged
STARTS = 5  # of a process that dies before it has a job
PAUSE = 0.05  # seconds after the first that could not be started, doubled each time
_reported: set[str] = set()
Outcome = tuple[Status | None, Any]
_Queue = queue.SimpleQueue["_Job | None"]


@dataclass(frozen=True)
class PoolSettings:
    """Limits of the scoring processes.

    Attributes:
        workers: processes; each takes one job at a time. Two at least, so that one hanging job holds nobody up.
        deadline: seconds a job may take, counted from its start.
        memory_gib: address space of a process.
        jobs_per_process: a process is replaced after so many jobs, so that caches and leaks stay bounded.
    """

    workers: int = max(2, min(4, (os.cpu_count() or 2) // 2))
    deadline: float = 5.0
    memory_gib: float = 2.0
    jobs_per_process: int = 2000

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("deadline", 0.1), ("memory_gib", 0.5), ("jobs_per_process", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
                raise ValueError(f"{name}={value!r}: must be a number >= {least}. Write {name}={self._default(name)}.")

    @classmethod
    def _default(cls, name: str) -> Any:
        return cls.__dataclass_fields__[name].default


class ScoringPool:
    """Runs functions on untrusted text; a fault is a status, never an exception and never a hang."""

    def __init__(self, settings: PoolSettings | None = None) -> None:
        self.settings = settings or PoolSettings()
        self._crew: _Crew | None = None
        self._lock = threading.Lock()
        _pools.add(self)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> "Future[Outcome]":
        """Run `function(*arguments)` in a scoring process.

        Args:
            function: what an import finds. It has to return a Comparison or plain data.

        Returns:
            A future of (None, result), ("timeout", None) or ("crashed", None). It raises nothing.
        """
        with self._lock:
            if self._crew is None:
                self._crew = _Crew(self.settings)
            return self._crew.take(_Job(function, arguments))

    def close(self) -> None:
        """End all processes at once; what they had not finished is "crashed". The pool may be used again."""
        with self._lock:
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.dismiss()

    def forget_processes(self) -> None:
        """In a forked child: it has none of its parent's threads, and must not end its parent's processes."""
        self._crew = None
        self._lock = threading.Lock()


@dataclass
class _Job:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: "Future[Outcome]" = field(default_factory=Future)


class _Crew:
    """The processes of a pool from its first job until it is closed, each attended by a thread."""

    def __init__(self, settings: PoolSettings) -> None:
        self._jobs: _Queue = queue.SimpleQueue()
        self._attendants = [_Attendant(self._jobs, settings) for _ in range(int(settings.workers))]
        for attendant in self._attendants:
            attendant.start()
        # Before multiprocessing ends and joins its children, so that no thread starts another one then.
        self._at_exit = Finalize(None, self.dismiss, exitpriority=100)

    def take(self, job: _Job) -> "Future[Outcome]":
        """Queue a job."""
        job.future.set_running_or_notify_cancel()  # nobody may cancel it: an attendant sets its result
        self._jobs.put(job)
        return job.future

    def dismiss(self) -> None:
        """End all processes and threads; unfinished jobs are "crashed"."""
        self._at_exit.cancel()
        for attendant in self._attendants:
            attendant.dismiss()
        for _ in self._attendants:
            self._jobs.put(None)
        for attendant in self._attendants:
            if attendant is not threading.current_thread():  # a callback of a job may close its pool
                attendant.join()


class _Attendant(threading.Thread):
    """Hands jobs to a process, one after the other, and replaces it when need be."""

    def __init__(self, jobs: _Queue, settings: PoolSettings) -> None:
        super().__init__(name="scoring", daemon=True)
        self._jobs, self._settings = jobs, settings
        self._worker: Worker | None = None
        self._lock = threading.Lock()  # over the two that tell whether a process may be at work
        self._dismissed = False

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.future.set_result(self._outcome(job))
            del job  # the next one may be long in coming
            if self._worker is not None and self._worker.jobs >= self._settings.jobs_per_process:
                self._end()
        self._end()

    def dismiss(self) -> None:
        """End the process; whatever is asked of this thread from now on is "crashed"."""
        with self._lock:
            self._dismissed = True
            if self._worker is not None:
                self._worker.interrupt()

    def _outcome(self, job: _Job) -> Outcome:
        error: Exception = Died("the pool was closed")
        for _ in range(ATTEMPTS):
            try:
                worker = self._worker or self._begin()
                return None, worker.run(job.function, job.arguments, self._settings.deadline)
            except TimeoutError:
                self._end()
                return "timeout", None
            except Died as died:  # out of memory, an administrator: not the job's fault yet
                self._end()
                error = died
            except Exception as raised:  # by the job, by pickling it, by starting a process
                return report(raised), None
        return report(error), None

    def _begin(self) -> Worker:
        """A new process. One that dies before it has a job says nothing about the job: then the next one is tried."""
        for start in range(STARTS):
            if self._dismissed:
                raise Died("the pool was closed")
            try:
                worker = Worker(self._settings.memory_gib)
                break
            except Died as died:
                if start == STARTS - 1:
                    raise
                if isinstance(died, NotStarted):
                    time.sleep(PAUSE * 2**start)
        with self._lock:
            self._worker = worker
            if self._dismissed:
                worker.interrupt()
        return worker

    def _end(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()


def report(error: BaseException) -> Status:
    """Logs the first error of each kind: a broken scorer meets it on every response."""
    kind = error.kind if isinstance(error, Raised) else type(error).__name__
    if kind not in _reported and len(_reported) < MOST_KINDS:  # a process that was taken over may make kinds up
        _reported.add(kind)
        logger.error("status 'crashed': scoring failed; further %s stay silent", kind, exc_info=error)
    return "crashed"


_pools: "weakref.WeakSet[ScoringPool]" = weakref.WeakSet()
_shared = ScoringPool()


def _after_fork() -> None:
    for pool in _pools:
        pool.forget_processes()


os.register_at_fork(after_in_child=_after_fork)


def shared_pool() -> ScoringPool:
    """The pool of this process; its processes start when first needed."""
    return _shared
