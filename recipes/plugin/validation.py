"""Which variables of a validation verl draws bootstrap samples of: its accuracy alone.

For every variable that a reward function returns, and for every problem, verl draws 1,000 times 2, 4, … n responses for
best@k, worst@k and maj@k, in Python, while the accelerators wait. Of a share of verdicts nobody reads the best of 4;
of `score` it says what it says of `acc`. So verl gets the accuracy (the reward where there is none); means and standard
deviations of all else are taken here, under verl's names.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from recipes.runs.statistics import clustered_error

Variables = Mapping[str, Sequence[Any]]
Expected = Mapping[tuple[str, str], int]
ACCURACY, REWARD, ANSWER, SUCCESS_ONLY = "acc", "reward", "pred", "acc_success_only"


def split(variables: Variables) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """What verl draws samples of (accuracies, rewards without one, answers to vote with), and what it does not."""
    drawn = {name: list(variables[name]) for name in (ACCURACY, ANSWER) if name in variables}
    others = {name: list(column) for name, column in variables.items() if name not in drawn}
    if rewards := others.get(REWARD):
        accuracies = drawn.get(ACCURACY, [None] * len(rewards))
        both = list(zip(rewards, accuracies, strict=True))
        drawn[REWARD] = [reward if right is None else None for reward, right in both]
        others[REWARD] = [None if right is None else reward for reward, right in both]
    return drawn, others


def means(sources: Sequence[str], problems: Sequence[str], variables: Variables) -> dict[str, float]:
    """`val-aux/<source>/<variable>/mean@<n>` and `std@<n>` of every variable that is not text.

    As verl has them: statistics of a problem's n samples (std: ddof 0, from two samples on), then the mean over the
    problems with that many.

    Args:
        sources: data source of each sample.
        problems: uid of the problem of each sample.
        variables: name → its value in each sample; None where a sample has none.
    """
    statistics: dict[str, list[float]] = defaultdict(list)
    for name, column in variables.items():
        numbers = [None if isinstance(value, str) else value for value in column]
        for (source, _), values in by_problem(sources, problems, numbers).items():
            prefix = f"val-aux/{source}/{name}"
            statistics[f"{prefix}/mean@{len(values)}"].append(float(np.mean(values)))
            if len(values) > 1:
                statistics[f"{prefix}/std@{len(values)}"].append(float(np.std(values)))
    return {metric: float(np.mean(of_problems)) for metric, of_problems in statistics.items()}


def metrics_of(
    of_verl: Callable[[dict[str, list[Any]], Expected | None], dict[str, float]],
    sources: Sequence[str],
    problems: Sequence[str],
    variables: Variables,
    expected: Expected | None,
) -> dict[str, float]:
    """All metrics of a validation.

    Where every sample that was asked for is there, `acc_success_only` is `acc`, and is copied instead of drawn again.

    Args:
        of_verl: (variables, expected) → verl's metrics of them.
        sources, problems, variables: see `means`.
        expected: (source, uid) → number of samples asked for; verl counts one that failed as wrong.
    """
    drawn, others = split(variables)
    plain = means(sources, problems, others)
    there = by_problem(sources, problems, drawn.get(ACCURACY, [None] * len(problems)))
    if not expected or _missing(there, expected):
        return of_verl(drawn, expected) | plain
    metrics = of_verl(drawn, None)
    copies = {
        f"val-aux/{source}/{SUCCESS_ONLY}/{metric.removeprefix(prefix)}": value
        for source in {source for source, _ in expected}
        for prefix in (f"val-core/{source}/{ACCURACY}/", f"val-aux/{source}/{ACCURACY}/")
        for metric, value in metrics.items()
        if metric.startswith(prefix)
    }
    return metrics | copies | plain


def _missing(there: Mapping[tuple[str, str], Sequence[Any]], expected: Expected) -> bool:
    """Whether samples were asked for, of sources that have an accuracy, that are not there."""
    scored = {source for source, _ in there}
    asked = {key: count for key, count in expected.items() if key[0] in scored}
    return {key: len(values) for key, values in there.items()} != asked


def by_problem(
    sources: Sequence[str], problems: Sequence[str], column: Sequence[Any]
) -> dict[tuple[str, str], list[Any]]:
    """(source, uid) → the values of its samples; without those that have none (None)."""
    samples: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for source, problem, value in zip(sources, problems, column, strict=True):
        if value is not None:
            samples[str(source), str(problem)].append(value)
    return samples


def standard_errors(
    sources: Sequence[str],
    problems: Sequence[str],
    right: Sequence[float | None],
    expected: Mapping[tuple[str, str], int] | None = None,
) -> dict[str, float]:
    """Standard error of `val-core/<source>/acc/mean@n`, clustered by problem, as `val-aux/<source>/acc/stderr@n`.

    Args:
        sources: data source of each sample.
        problems: uid of the problem of each sample.
        right: its accuracy, 1 or 0; None where another scorer gave none.
        expected: (source, uid) → how many samples were asked for; verl counts one that failed as wrong.

    Returns:
        No metric for a source with a single problem, which says nothing about others.
    """
    samples = by_problem(sources, problems, right)
    scored = {source for source, _ in samples}
    for (source, problem), count in (expected or {}).items():
        if source in scored:
            found = samples[source, problem]
            found.extend([0.0] * (count - len(found)))
    means: dict[tuple[str, int], list[float]] = defaultdict(list)
    for (source, _), values in samples.items():
        means[source, len(values)].append(statistics.fmean(values))
    return {
        f"val-aux/{source}/acc/stderr@{count}": clustered_error(np.array(shares))
        for (source, count), shares in means.items()
        if len(shares) > 1
    }
