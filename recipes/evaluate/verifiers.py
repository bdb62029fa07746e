"""Who says whether a response is right: this project's scorer, or verl's, to measure what a choice changes.

The papers' evaluation is reported to have used verl's prime_math. verl's scorers know no list of accepted answers (so
each is tried) and no units or tolerances, and math_verify does not say what it took for the answer.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from reward.options import RewardOptions
from reward.processes.pool import ScoringPool
from reward.scoring import Scorer
from reward.task import Task
from reward.verdict import Verdict

WORKERS = RewardOptions.workers
SLOWEST = 60  # seconds for one of verl's verdicts, which have no deadline of their own
Submit = Callable[[str, list[str], Task], "Future[Verdict]"]


@contextmanager
def ours(options: RewardOptions) -> Iterator[Submit]:
    """reward/: see its documentation."""
    pool = ScoringPool(options.pool_settings)
    scorer = Scorer(pool, require_box=options.require_box, thinking_open=options.thinking_open)

    def submit(response: str, golds: list[str], task: Task) -> "Future[Verdict]":
        verdict: Future[Verdict] = Future()
        inner = scorer.submit(response, golds, task)
        inner.add_done_callback(lambda done: verdict.set_result(done.result().verdict))
        return verdict

    try:
        yield submit
    finally:
        pool.close()


@contextmanager
def prime_math(options: RewardOptions) -> Iterator[Submit]:
    """verl.utils.reward_score.prime_math, in processes (it is pure Python and starts processes of its own)."""
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        yield _first_accepted(pool, _prime_math)


@contextmanager
def math_verify(options: RewardOptions) -> Iterator[Submit]:
    """verl.utils.reward_score.math_verify, which keeps four processes of its own."""
    with ThreadPoolExecutor(4) as pool:
        yield _first_accepted(pool, _math_verify)


VERIFIERS: dict[str, Any] = {"ours": ours, "prime_math": prime_math, "math_verify": math_verify}


def _first_accepted(pool: Executor, verdict: Callable[[str, list[str]], tuple[float, str, str]]) -> Submit:
    def submit(response: str, golds: list[str], task: Task) -> "Future[Verdict]":
        done: Future[Verdict] = Future()

        def came_back(inner: "Future[tuple[float, str, str]]") -> None:
            error = inner.exception()
            if error is not None:
                done.set_exception(error)
            else:
                accuracy, answer, status = inner.result()
                done.set_result(Verdict(score=accuracy, acc=accuracy, pred=answer, status=status))  # type: ignore[arg-type]

        pool.submit(verdict, response, golds).add_done_callback(came_back)
        return done

    return submit


def _prime_math(response: str, golds: list[str]) -> tuple[float, str, str]:
    from verl.utils.reward_score.prime_math import compute_score

    def too_slow(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(SLOWEST)
    answer = ""
    try:
        for gold in golds:
            found: Any = compute_score(response, gold)  # annotated as bool, returns three values
            right, _, answer = found
            if right:
                return 1.0, str(answer), "ok"
    except TimeoutError:
        return 0.0, str(answer), "timeout"
    finally:
        signal.alarm(0)
    return 0.0, str(answer), "wrong" if answer else "no_answer"


def _math_verify(response: str, golds: list[str]) -> tuple[float, str, str]:
    from verl.utils.reward_score.math_verify import compute_score

    right = any(compute_score(response, gold) >= 1.0 for gold in golds)
    return float(right), "", "ok" if right else "wrong"


def verdicts(
    submit: Submit, rows: Iterable[tuple[Any, str, list[str], Task]], most: int = 4096
) -> Iterator[tuple[Any, Verdict]]:
    """The verdict on each (label, response, golds, task), in their order, with at most `most` under way."""
    waiting: list[tuple[Any, Future[Verdict]]] = []
    for label, response, golds, task in rows:
        waiting.append((label, submit(response, golds, task)))
        if len(waiting) >= most:
            for done, future in waiting[: most // 2]:
                yield done, future.result()
            del waiting[: most // 2]
    for done, future in waiting:
        yield done, future.result()
