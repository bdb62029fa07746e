"""A pool of scoring processes that can be killed one by one.

math-verify and sympy may run for ever, exhaust the memory or crash on text that a model wrote. Here a job has a
deadline counted from its own start, in a process with limits (reward/processes/sandbox.py) that is killed when
it passes them and replaced. A job whose process died for any other reason is tried once more.
"""

import logging
import math
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
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
_Queue = queue.SimpleQueue["Job | None"]


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
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not is_number or value < least:
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
        return self.take(Job(function, arguments))

    def take(self, job: "Job") -> "Future[Outcome]":
        """`submit` for a job that exists already."""
        with _crashed_without_threads(job), self._lock:
            self._gathered().take(job)
        return job.future

    def take_and_wait(self, job: "Job") -> Outcome:
        """The outcome of a job, for a caller that has nothing else to do: no thread has to be woken up for it."""
        seat = None
        with _crashed_without_threads(job), self._lock:
            crew = self._gathered()
            seat = crew.free_seat()
            if seat is None:
                crew.take(job)
        if seat is not None:
            crew.serve(job, seat)
        return job.future.result()

    def _gathered(self) -> "_Crew":
        if self._crew is None:
            self._crew = _Crew(self.settings)
        return self._crew

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


class Job:
    """A function to run in a scoring process, once.

    Attributes:
        future: its outcome; nobody may cancel it.
    """

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.function, self.arguments = function, arguments
        self.future: Future[Outcome] = Future()
        self.future.set_running_or_notify_cancel()


@contextmanager
def _crashed_without_threads(job: Job) -> Iterator[None]:
    """Where no thread can be started in the block, as at a limit of processes, a job has crashed."""
    try:
        yield
    except RuntimeError as error:
        job.future.set_result((report(error), None))


class _Crew:
    """The seats of a pool from its first job until it is closed, and as many threads that bring jobs to them."""

    def __init__(self, settings: PoolSettings) -> None:
        self._jobs: _Queue = queue.SimpleQueue()
        self._free: queue.SimpleQueue[_Seat] = queue.SimpleQueue()
        self._seats = [_Seat(settings) for _ in range(int(settings.workers))]
        self._threads = [threading.Thread(target=self._attend, name="scoring", daemon=True) for _ in self._seats]
        try:
            for seat, thread in zip(self._seats, self._threads, strict=True):
                self._free.put(seat)
                thread.start()
        except RuntimeError:  # the machine gives no more threads: those that run end
            for _ in self._threads:
                self._jobs.put(None)
            raise
        # Before multiprocessing ends and joins its children, so that no thread starts another one then.
        self._at_exit = Finalize(None, self.dismiss, exitpriority=100)

    def take(self, job: Job) -> None:
        """Queue a job."""
        self._jobs.put(job)

    def free_seat(self) -> "_Seat | None":
        """A seat that waits for a job; whoever takes it has to `serve` with it."""
        try:
            return self._free.get_nowait()
        except queue.Empty:
            return None

    def serve(self, job: Job, seat: "_Seat") -> None:
        """Run a job in this thread, and free the seat."""
        outcome: Outcome = ("crashed", None)  # for others that wait for this job, if Ctrl-C comes here
        try:
            outcome = seat.outcome(job)
        finally:
            self._free.put(seat)
            job.future.set_result(outcome)

    def dismiss(self) -> None:
        """End all processes and threads; unfinished jobs are "crashed"."""
        self._at_exit.cancel()
        for seat in self._seats:
            seat.dismiss()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():  # a callback of a job may close its pool
                thread.join()
        for _ in self._seats:
            self._free.get().end()

    def _attend(self) -> None:
        while (job := self._jobs.get()) is not None:
            self.serve(job, self._free.get())
            del job  # the next one may be long in coming


class _Seat:
    """The place of one process, which is started when first needed and replaced when need be. For one job at a time."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._worker: Worker | None = None
        self._lock = threading.Lock()  # over the two that tell whether a process may be at work
        self._dismissed = False

    def dismiss(self) -> None:
        """End the process; whatever is asked of this seat from now on is "crashed". From any thread."""
        with self._lock:
            self._dismissed = True
            if self._worker is not None:
                self._worker.interrupt()

    def outcome(self, job: Job) -> Outcome:
        """What a job gives in a process of this seat."""
        try:
            found = self._tried(job)
        except BaseException:  # Ctrl-C: the process is still at work
            self.end()
            raise
        if self._worker is not None and self._worker.jobs >= self._settings.jobs_per_process:
            self.end()
        return found

    def end(self) -> None:
        """End the process and wait until it is gone."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()

    def _tried(self, job: Job) -> Outcome:
        error: Exception = Died("the pool was closed")
        for _ in range(ATTEMPTS):
            try:
                worker = self._worker or self._begin()
                return None, worker.run(job.function, job.arguments, self._settings.deadline)
            except TimeoutError:
                self.end()
                return "timeout", None
            except Died as died:  # out of memory, an administrator: not the job's fault yet
                self.end()
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
