"""The metrics of a validation: verl's names and numbers, and a standard error beside each accuracy.

For every problem and every variable that a reward function returns, verl draws 1,000 times 2, 4, … n responses for
best@k, worst@k and maj@k, one after the other in Python, while the accelerators wait. Here the draws of a problem are
the rows of one array; and only accuracy is drawn (the reward where there is none): of a share of verdicts nobody reads
the best of 4.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.runs.statistics import clustered_error, verl_draws

Problem = tuple[str, str]  # (data source, uid)
Samples = dict[Problem, list[Any]]
ACCURACY, REWARD, ANSWER, SUCCESS_ONLY = "acc", "reward", "pred", "acc_success_only"
CORE = ("mean", "maj", "best")  # of the accuracy, from all samples


def metrics_of(
    sources: Sequence[str],
    problems: Sequence[str],
    variables: Mapping[str, Sequence[Any]],
    expected: Mapping[Problem, int] | None = None,
) -> dict[str, float]:
    """`val-core/…` and `val-aux/<source>/<variable>/<statistic>` (docs/metrics.md): means over problems.

    Args:
        sources: data source of each sample.
        problems: uid of the problem of each sample.
        variables: name → its value in each sample; None where a sample has none.
        expected: how many samples of a problem were asked for. One that failed counts as wrong in `acc`, where its
            source has an accuracy at all, and is left out of `acc_success_only`.
    """
    columns = _numbers(sources, problems, variables, expected)
    answers = by_problem(sources, problems, variables.get(ANSWER, [None] * len(problems)))
    judged = {source for source, _ in columns.get(ACCURACY, {})}
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for name, samples in columns.items():
        for (source, problem), values in samples.items():
            is_drawn = name in (ACCURACY, SUCCESS_ONLY) or (name == REWARD and source not in judged)
            votes = answers.get((source, problem), [])
            of_one = statistics(values, votes if len(votes) == len(values) else None, is_drawn)
            for statistic, value in of_one.items():
                found[source, name, statistic].append(value)
    return dict(_named(found, judged))


def by_problem(sources: Sequence[str], problems: Sequence[str], column: Sequence[Any]) -> dict[Problem, list[Any]]:
    """The values of each problem's samples; without those that have none (None)."""
    samples: dict[Problem, list[Any]] = defaultdict(list)
    for source, problem, value in zip(sources, problems, column, strict=True):
        if value is not None:
            samples[str(source), str(problem)].append(value)
    return dict(samples)


def statistics(values: Sequence[float], answers: Sequence[Any] | None, is_drawn: bool) -> dict[str, float]:
    """What verl reports of one variable's n values for a problem.

    Args:
        values: at least one.
        answers: of the samples, to vote with; None: nobody votes.
        is_drawn: best, worst and majority of 2, 4, … n samples, too.

    Returns:
        `mean@n`; from two samples on `std@n` (ddof 0), and `{best,worst,maj}@k/{mean,std}` over the draws.
    """
    array, count = np.array(values, dtype=float), len(values)
    found = {f"mean@{count}": array.mean()}
    if count > 1:
        found[f"std@{count}"] = array.std()
        for size in _sizes(count) if is_drawn else ():
            for name, outcomes in _outcomes(array, answers, size).items():
                found[f"{name}@{size}/mean"], found[f"{name}@{size}/std"] = outcomes.mean(), outcomes.std()
    return {name: float(value) for name, value in found.items()}


def _sizes(count: int) -> Iterator[int]:
    size = 2
    while size < count:
        yield size
        size *= 2
    yield count


def _outcomes(values: NDArray[Any], answers: Sequence[Any] | None, size: int) -> dict[str, NDArray[Any]]:
    """Best, worst, and that of the most frequent answer (of equally frequent ones the first drawn) in each draw."""
    draws = verl_draws(len(values), size)
    drawn = values[draws]
    found = {"best": drawn.max(1), "worst": drawn.min(1)}
    if answers is not None:
        numbers = {answer: number for number, answer in enumerate(dict.fromkeys(answers))}
        ballots = np.array([numbers[answer] for answer in answers])[draws]
        rows = np.arange(len(draws))[:, None]
        counts = np.bincount((rows * len(numbers) + ballots).ravel(), minlength=len(draws) * len(numbers))
        winner = counts.reshape(len(draws), -1)[rows, ballots].argmax(1)
        found["maj"] = drawn[rows[:, 0], winner]
    return found


def _numbers(
    sources: Sequence[str],
    problems: Sequence[str],
    variables: Mapping[str, Sequence[Any]],
    expected: Mapping[Problem, int] | None,
) -> dict[str, Samples]:
    """Every variable that is not text, with samples that failed as wrong ones."""
    columns: dict[str, Samples] = {
        name: by_problem(sources, problems, [None if isinstance(value, str) else value for value in column])
        for name, column in variables.items()
    }
    there = columns.get(ACCURACY)
    if there and expected:
        judged = {source for source, _ in there}
        counts = {problem: count for problem, count in expected.items() if problem[0] in judged}
        wrong = {problem: [0.0] * (count - len(there.get(problem, ()))) for problem, count in counts.items()}
        columns[SUCCESS_ONLY] = there
        columns[ACCURACY] = there | {problem: [*there.get(problem, ()), *failed] for problem, failed in wrong.items()}
    return columns


def _named(found: Mapping[tuple[str, str, str], list[float]], judged: set[str]) -> Iterator[tuple[str, float]]:
    """verl's names: core is what its charts show first."""
    largest: dict[tuple[str, str], int] = defaultdict(int)
    for source, name, statistic in found:
        largest[source, name] = max(largest[source, name], _size(statistic))
    for (source, name, statistic), values in found.items():
        is_main = name == (ACCURACY if source in judged else REWARD)
        is_core = is_main and statistic.startswith(CORE) and _size(statistic) == largest[source, name]
        yield f"{'val-core' if is_core else 'val-aux'}/{source}/{name}/{statistic}", float(np.mean(values))
        if name == ACCURACY and statistic.startswith("mean@") and len(values) > 1:
            error = clustered_error(np.array(values))
            yield f"val-aux/{source}/{name}/{statistic.replace('mean', 'stderr')}", error


def _size(statistic: str) -> int:
    return int(statistic.partition("@")[2].partition("/")[0])
