r"""Can a gold be earned? A model that writes it in a box, `\boxed{gold}`, has to score by the reward of training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice

from recipes.prepare_data.problems import Problem
from recipes.prepare_data.unique import Group
from reward.processes.pool import ScoringPool
from reward.scoring import Explanation, Scorer
from reward.task import Task

AT_ONCE = 4096  # pairs in flight


class GoldCheck:
    """Compares golds with the reward; its processes end with the block."""

    def __init__(self) -> None:
        self._pool = ScoringPool()
        self._scorer = Scorer(self._pool)

    def __enter__(self) -> GoldCheck:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.close()

    def unearnable(self, problems: Iterable[Problem], advance: Callable[[], None]) -> Iterator[tuple[Problem, str]]:
        """The problems with an accepted answer that does not score against itself, and which one, with its status."""
        pairs = ((one, gold, [gold], one.task) for one in problems for gold in one.golds)
        for problem, gold, status in self._statuses(pairs):
            if status != "ok":
                yield problem, f"{gold!r} in a box scores 0 against itself ({status})"
            advance()

    def differing(self, problems: Iterable[Problem]) -> Iterator[tuple[Problem, str]]:
        """The problems with an alternative answer that their own golds do not accept, and which one."""
        pairs = ((one, other, list(one.golds), one.task) for one in problems for other in one.alternatives)
        for problem, other, status in self._statuses(pairs):
            if status != "ok":
                yield problem, other

    def contradictory(self, groups: Iterable[Group]) -> Iterator[tuple[Group, str]]:
        """The groups with a repetition whose answer the first one's golds do not accept."""
        pairs = (
            (one, other[0], list(one.problem.golds), one.problem.task)
            for one in groups
            for other in one.other_golds
            if one.problem.golds and other
        )
        for found, gold, status in self._statuses(pairs):
            if status != "ok":
                yield found, f"repetitions answer {gold!r} and {found.problem.golds[0]!r}"

    def _statuses(self, pairs: Iterable[tuple[object, str, list[str], Task]]) -> Iterator:  # type: ignore[type-arg]
        rest = iter(pairs)
        while batch := list(islice(rest, AT_ONCE)):
            futures: list[Future[Explanation]] = [
                self._scorer.submit(rf"\boxed{{{gold}}}", golds, task) for _, gold, golds, task in batch
            ]
            for (subject, gold, _, _), future in zip(batch, futures, strict=True):
                yield subject, gold, future.result().verdict.status
