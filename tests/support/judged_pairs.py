"""Answers made from golds, with what the processes that score say of them: for the fuzzer and for the tests."""

from collections.abc import Iterable, Iterator
from itertools import islice

from answer_mutants import Kind, answers

from reward.equivalence.compare import compare
from reward.processes.pool import ScoringPool
from reward.task import Task

CHUNK = 2000
Pair = tuple[str, str, str, Task]  # kind, answer, gold, task


def pairs(kinds: dict[str, Kind], chosen: Iterable[tuple[str, Task]], seed: int) -> Iterator[Pair]:
    """What a kind of answers makes of the golds."""
    for gold, task in chosen:
        for kind, answer in answers(kinds, gold, seed):
            # Of a gold in minutes, hours are another unit; within a tolerance another digit is right.
            if not (task.unit and kind == "unit added") and not task.tolerance:
                yield kind, answer, gold, task


def judged(pool: ScoringPool, found: Iterator[Pair]) -> Iterator[tuple[Pair, str]]:
    """Each pair with its outcome."""
    while chunk := list(islice(found, CHUNK)):
        futures = [pool.submit(compare, answer, gold, task) for _, answer, gold, task in chunk]
        for pair, future in zip(chunk, futures, strict=True):
            failure, comparison = future.result()
            yield pair, failure or comparison.outcome
