"""The verdict on a response: its final answer against every accepted one.

Finding the answer in a response, and comparing numbers written plainly, happens here, in time linear in its length.
Whatever has to be parsed goes to a process that can be killed (reward/processes/pool.py).
"""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, get_args

from reward.equivalence.compare import EXACT, Comparison, Outcome, Task, compare, compare_at_sight
from reward.extraction import extract_answer
from reward.processes.pool import Job, ScoringPool, report, shared_pool
from reward.processes.pool import Outcome as PoolOutcome
from reward.verdict import Status, Verdict

logger = logging.getLogger(__name__)
# Which status a response gets when no gold accepts its answer: what most needs to be seen.
WORST_FIRST: tuple[Status, ...] = ("crashed", "timeout", "wrong", "unparsable")
REMEMBERED = 50_000  # verdicts on (answer, gold): the samples of a problem share few answers
MOST_TIMEOUTS = 2  # of one (answer, gold): the first may be a busy machine's fault
Key = tuple[str, str, Task]
Run = Callable[[Job], Any]  # a way to have a job done: in the background, or while one waits


@dataclass(frozen=True)
class Explanation:
    """Why a verdict is what it is: the tier that decided and both sides as it saw them; None before any comparison."""

    verdict: Verdict
    gold: str = ""
    comparison: Comparison | None = None


class Scorer:
    """Scores responses with one pool of processes.

    Args:
        pool: where answers are compared that need algebra.
        require_box, thinking_open: see reward.options.RewardOptions.
    """

    def __init__(self, pool: ScoringPool, require_box: bool = True, thinking_open: bool = False) -> None:
        self._pool = pool
        self._require_box, self._thinking_open = require_box, thinking_open
        self._memory: OrderedDict[Key, Comparison] = OrderedDict()
        self._timeouts: Counter[Key] = Counter()
        self._in_flight: dict[Key, Job] = {}
        self._lock = threading.Lock()

    def submit(self, response: str, gold: Any, task: Task = EXACT) -> "Future[Explanation]":
        """Start scoring; the future never raises.

        Args:
            response: what the model wrote.
            gold: the accepted answer, or a list of accepted answers; numbers will do.
            task: what the data set says about the answer.
        """
        return self._begin(response, gold, task, self._pool.take)

    def score(self, response: str, gold: Any, task: Task = EXACT) -> Explanation:
        """`submit` for a caller that waits for the verdict: in less time, since no other thread has to wake up."""
        return self._begin(response, gold, task, self._pool.take_and_wait).result()

    def _begin(self, response: str, gold: Any, task: Task, run: Run) -> "Future[Explanation]":
        done: Future[Explanation] = Future()
        done.set_running_or_notify_cancel()  # a cancelled asyncio task must not cancel what a thread is about to set
        try:
            golds = accepted_answers(gold)
            found = extract_answer(response, require_box=self._require_box, thinking_open=self._thinking_open)
        except Exception as error:  # one bad response must not end a run: logged, and visible as "crashed"
            done.set_result(Explanation(Verdict.of(report(error))))
            return done
        if found.status != "found":
            done.set_result(Explanation(Verdict.of(found.status)))
            return done
        _Case(self, found.answer, golds, task, done, run).go_on()
        return done

    def recall(self, key: Key) -> Comparison | None:
        """What comparing gave the last time."""
        with self._lock:
            return self._memory.get(key)

    def remember(self, key: Key, comparison: Comparison) -> None:
        """Keep the outcome of a comparison that took a process."""
        with self._lock:
            self._memory[key] = comparison
            if len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)

    def forget(self) -> None:
        """Drop what earlier comparisons gave."""
        with self._lock:
            self._memory.clear()
            self._timeouts.clear()

    def compare_elsewhere(self, key: Key, run: Run) -> "Future[PoolOutcome]":
        """`compare` in a scoring process, for all that ask for the same comparison at the same time.

        So repeats of a slow text hold one process, not all of them; and after MOST_TIMEOUTS none.
        """
        with self._lock:
            if key in self._in_flight:
                return self._in_flight[key].future
            job = Job(compare, key)
            if self._timeouts.get(key, 0) >= MOST_TIMEOUTS:
                job.future.set_result(("timeout", None))
                return job.future
            self._in_flight[key] = job
        job.future.add_done_callback(partial(self._landed, key))
        run(job)
        return job.future

    def _landed(self, key: Key, future: "Future[PoolOutcome]") -> None:
        with self._lock:
            self._in_flight.pop(key, None)
            if future.result()[0] == "timeout" and len(self._timeouts) < REMEMBERED:
                self._timeouts[key] += 1


class _Case:
    """One answer against its golds, one after the other, until one accepts it."""

    def __init__(
        self, scorer: Scorer, answer: str, golds: list[str], task: Task, done: "Future[Explanation]", run: Run
    ) -> None:
        self._scorer, self._answer, self._task, self._done, self._run = scorer, answer, task, done, run
        self._golds = iter(golds)
        self._seen: list[tuple[Status, str, Comparison | None]] = []

    def go_on(self) -> None:
        for gold in self._golds:
            key = (self._answer, gold, self._task)
            try:
                comparison = compare_at_sight(*key) or self._scorer.recall(key)
            except Exception as error:  # a fault of ours on odd text: logged, and visible as "crashed"
                if self._settled(report(error), gold, None):
                    return
                continue
            if comparison is None:
                inner = self._scorer.compare_elsewhere(key, self._run)
                if not inner.done():
                    inner.add_done_callback(partial(self._came_back, key))
                    return
                if self._settles(key, inner):
                    return
            elif self._settled(comparison.outcome, gold, comparison):
                return
        status, gold, comparison = min(self._seen, key=lambda seen: WORST_FIRST.index(seen[0]))
        self._done.set_result(Explanation(Verdict.of(status, self._answer), gold, comparison))

    def _came_back(self, key: Key, future: "Future[PoolOutcome]") -> None:
        if not self._settles(key, future):
            self.go_on()

    def _settles(self, key: Key, future: "Future[PoolOutcome]") -> bool:
        failure, comparison = future.result()
        if failure is None and not _is_sound(comparison):
            failure, comparison = report(ValueError(f"{comparison!r:.200} is no comparison")), None
        if comparison is not None:
            self._scorer.remember(key, comparison)
        return self._settled(failure or comparison.outcome, key[1], comparison)

    def _settled(self, status: Status, gold: str, comparison: Comparison | None) -> bool:
        if status == "ok":
            self._done.set_result(Explanation(Verdict.of("ok", self._answer), gold, comparison))
            return True
        self._seen.append((status, gold, comparison))
        return False


def _is_sound(found: Any) -> bool:
    """Whether a process returned a comparison: a text that took the process over may return anything."""
    if not isinstance(found, Comparison) or set(vars(found)) != {one.name for one in fields(Comparison)}:
        return False
    return found.outcome in get_args(Outcome) and all(isinstance(value, str) for value in vars(found).values())


_default: list[Scorer] = []


def default_scorer() -> Scorer:
    """The scorer of this process, with the default limits."""
    if not _default:
        _default.append(Scorer(shared_pool()))
    return _default[0]


def score(response: str, gold: str | list[str]) -> Verdict:
    """The verdict on `response`, whose answer is right if it equals any of the accepted ones in `gold`.

    A gold may also be a number, as some data sets store it. Never raises and never hangs: a fault in scoring is status
    "crashed" with score 0 (its traceback is logged once per kind of error), a comparison beyond the deadline "timeout".
    """
    return default_scorer().score(response, gold).verdict


def score_many(
    pairs: Iterable[tuple[str, str | list[str]]], progress: Callable[[], None] | None = None
) -> list[Verdict]:
    """The verdicts on (response, gold) pairs, in their order; several processes work on them.

    Args:
        pairs: responses and golds, as for `score`.
        progress: called after each verdict.
    """
    futures = [default_scorer().submit(response, gold) for response, gold in pairs]
    verdicts = []
    for future in futures:
        verdicts.append(future.result().verdict)
        if progress:
            progress()
    return verdicts


def accepted_answers(gold: Any) -> list[str]:
    """The golds as strings. Raises ValueError if one is missing: then the data is at fault, and has to say so."""
    values = gold.tolist() if hasattr(gold, "tolist") else gold  # parquet stores a list of golds as a numpy array
    values = values if isinstance(values, list | tuple) else [values]
    golds = [str(value) for value in values if value is not None]
    if not golds or len(golds) < len(values) or not all(accepted.strip() for accepted in golds):
        raise ValueError(f"gold={gold!r} lacks an answer; write the accepted answer, or a list of accepted answers")
    return golds
