"""How sure a validation's mean@n is: the samples of one problem hang together, so problems are what is counted."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any


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

    It is s/√P, with s the standard deviation (ddof 1) over the P problems of the share of right samples.

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
        f"val-aux/{source}/acc/stderr@{count}": statistics.stdev(shares) / len(shares) ** 0.5
        for (source, count), shares in means.items()
        if len(shares) > 1
    }
