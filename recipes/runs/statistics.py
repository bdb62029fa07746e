"""What the verdicts on n samples of each of P problems say, and how sure one can be.

Everything starts from `correct`, a float array (P, n) of 0 and 1, or from the shares p_i of right samples per problem.
A sample that is missing is NaN: it is left out of means and never counts as wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

AVERAGE = "average"  # the key of a mean over benchmarks

Array = NDArray[np.float64]
VERL_SEED, VERL_DRAWS = 42, 1000
CONFIDENCE = 0.95
DRAWS = 9_999


def shares(correct: Array) -> Array:
    """Share of right samples per problem, (P,); NaN for a problem without any sample."""
    counts = (~np.isnan(correct)).sum(-1)
    right = np.nansum(correct, -1)
    return np.divide(right, counts, out=np.full(len(correct), np.nan), where=counts > 0)


def avg_at_n(correct: Array) -> float:
    """Avg@n: mean over problems of the share of right samples. NaN if a problem has no sample at all."""
    return float(shares(correct).mean())


def pass_at_k(right: int, samples: int, k: int) -> float:
    """Unbiased estimate of the chance that one of k samples is right: 1 − C(n−c, k)/C(n, k).

    Source: Chen et al., arXiv 2107.03374, equation 1.

    Args:
        right: c, right samples among them.
        samples: n.
        k: 1 ≤ k ≤ n.

    Raises:
        ValueError: k is larger than n, so that nothing can be estimated.
    """
    if not 1 <= k <= samples:
        raise ValueError(f"Pass@{k} can't be estimated from {samples} samples per problem; take at least {k}.")
    return 1.0 - comb(samples - right, k) / comb(samples, k)


def mean_pass_at_k(correct: Array, k: int) -> float:
    """Pass@k, mean over problems."""
    counts = (~np.isnan(correct)).sum(-1)
    right = np.nansum(correct, -1)
    return float(np.mean([pass_at_k(int(c), int(n), k) for c, n in zip(right, counts, strict=True)]))


@lru_cache(maxsize=64)
def verl_draws(samples: int, size: int) -> NDArray[np.int64]:
    """Which samples verl's validation draws for best@size of so many, (VERL_DRAWS, size): the same for all problems."""
    return np.random.RandomState(VERL_SEED).choice(samples, size=(VERL_DRAWS, size), replace=True)


def verl_best_at_n(correct: Array) -> float:
    """What verl's validation calls best@n/mean, the papers' "Pass@32": biased, so under its own name.

    For each problem the mean over 1000 draws, with replacement, of the best of n samples out of these n; verl seeds
    every problem with 42, so the draws are the same for all of them. A problem solved once in 32 gives 0.64, not 1.

    Raises:
        ValueError: a sample is missing.
    """
    if np.isnan(correct).any():
        raise ValueError("verl's best@n needs all samples of every problem; some are missing.")
    samples = correct.shape[1]
    draws = verl_draws(samples, samples)
    return float(np.mean([row[draws].max(-1).mean() for row in correct]))


def majority_at_n(answers: list[list[str]], correct: Array) -> float:
    """Share of problems whose most frequent answer is right; of equally frequent ones the first given counts.

    Right answers are equal to the gold and so to one another, however they are written; wrong ones are the same if
    their text is. A sample without an answer does not vote.

    Args:
        answers: per problem the extracted answer of each sample, "" for none.
        correct: (P, n).
    """
    return float(np.mean([_majority(*pair) for pair in zip(answers, correct, strict=True)]))


def _majority(answers: list[str], correct: Array) -> float:
    votes: dict[str | None, int] = {}
    for answer, right in zip(answers, correct, strict=True):
        if right == 1 or answer:
            ballot = None if right == 1 else answer
            votes[ballot] = votes.get(ballot, 0) + 1
    return float(bool(votes) and max(votes, key=lambda ballot: votes[ballot]) is None)


@dataclass(frozen=True)
class StandardErrors:
    """Of Avg@n, by where the uncertainty is from (Miller, arXiv 2411.00640, section 2).

    Attributes:
        sampling: had we drawn other samples for the same problems.
        problems: had other problems been chosen, with p_i known exactly.
        total: both.
    """

    sampling: float
    problems: float
    total: float


def clustered_error(per_problem: Array) -> float:
    """Standard error of a mean over problems: s/√P, with s the standard deviation (ddof 1); NaN from one problem.

    A problem's samples are alike, so it is the problem that counts as one draw, not the sample.

    Args:
        per_problem: (P,) a problem's share of right samples, or the difference of two models' shares.
    """
    return float(np.std(per_problem, ddof=1) / np.sqrt(len(per_problem))) if len(per_problem) > 1 else float("nan")


def error_of_mean(errors: Sequence[float]) -> float:
    """Standard error of the unweighted mean of independent numbers, as benchmarks are: they share no problem."""
    return sqrt(sum(error**2 for error in errors)) / len(errors)


def standard_errors(correct: Array) -> StandardErrors:
    """Sampling: √(Σ p_i(1−p_i)/(n_i−1)) / P.  Total: sd(p_i)/√P.  Problems: what the total has beside sampling.

    NaN where it cannot be known: from one sample per problem, or from one problem.
    """
    p, count = shares(correct), (~np.isnan(correct)).sum(-1)
    problems = len(p)
    with np.errstate(divide="ignore", invalid="ignore"):
        sampling = float(np.sqrt(np.sum(p * (1 - p) / np.where(count > 1, count - 1, np.nan)))) / problems
    total = clustered_error(p)
    return StandardErrors(sampling, float(np.sqrt(max(total**2 - sampling**2, 0.0))), total)


def weights_of(groups: list[Array]) -> Array:
    """What each problem counts in the unweighted mean over benchmarks, (ΣP,); they sum to 1."""
    return np.concatenate([np.full(len(group), 1.0 / (len(groups) * len(group))) for group in groups])


def interval(groups: list[Array], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the unweighted mean over benchmarks: problems are drawn anew within each of them.

    Args:
        groups: shares of right samples per problem, one array per benchmark; a single one gives that benchmark's own.
        seed: of the draws.

    Returns:
        Lower and upper end.
    """
    from scipy.stats import bootstrap  # slow to import

    def statistic(*drawn: Array, axis: int = -1) -> Array:
        return np.asarray(np.mean([group.mean(axis) for group in drawn], axis=0))

    # scipy wants two problems; of two equal ones every draw is the same, as of one
    samples = [np.repeat(group, 2) if len(group) == 1 else group for group in groups]
    found = bootstrap(
        samples,
        statistic,
        vectorized=True,
        n_resamples=DRAWS,
        batch=1000,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


@dataclass(frozen=True)
class Comparison:
    """Two models on the same problems.

    Attributes:
        difference: of their Avg@n, second minus first.
        standard_error: of the difference over problems; the pairing takes out what is hard for both.
        interval: 95 % bootstrap interval.
        p_value: two-sided, of a permutation test that swaps the two models problem by problem.
    """

    difference: float
    standard_error: float
    interval: tuple[float, float]
    p_value: float


def compare(first: list[Array], second: list[Array], seed: int = 0) -> Comparison:
    """Paired comparison of the unweighted means over benchmarks.

    Args:
        first, second: as `interval`'s groups, of the same problems in the same order.
        seed: of bootstrap and permutations.

    Raises:
        ValueError: they don't hold the same problems.
    """
    if [len(group) for group in first] != [len(group) for group in second]:
        raise ValueError("The two results hold different problems: only results on the same ones can be paired.")
    weights = weights_of(first)
    ours, theirs = np.concatenate(second), np.concatenate(first)

    from scipy.stats import permutation_test  # slow to import, and only comparisons need it

    def statistic(a: Array, b: Array, axis: int = -1) -> Array:
        return np.asarray(((a - b) * weights).sum(axis))

    p_value = 1.0  # of one problem, whose difference is as large when swapped
    if len(ours) > 1:
        tested = permutation_test(
            (ours, theirs),
            statistic,
            permutation_type="samples",
            vectorized=True,
            n_resamples=DRAWS,
            batch=1000,
            rng=np.random.default_rng(seed),
        )
        p_value = float(tested.pvalue)
    differences = [b - a for a, b in zip(first, second, strict=True)]
    return Comparison(
        difference=float(statistic(ours, theirs)),
        standard_error=error_of_mean([clustered_error(group) for group in differences]),
        interval=interval(differences, seed),
        p_value=p_value,
    )


def paired(differences: Array) -> dict[str, float]:
    """Mean, 95 % interval, two-sided p-value (Student's t) and standard deviation of differences seed by seed.

    Args:
        differences: (seeds,), at least two.
    """
    from scipy.stats import t  # slow to import

    size, mean, deviation = len(differences), float(differences.mean()), float(differences.std(ddof=1))
    if deviation == 0.0:  # the two are the same function here
        return {"difference": mean, "low": mean, "high": mean, "p": 1.0 if mean == 0.0 else 0.0, "deviation": 0.0}
    error = deviation / np.sqrt(size)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, size - 1)) * error
    p_value = 2 * float(t.sf(abs(mean) / error, size - 1))
    return {"difference": mean, "low": mean - reach, "high": mean + reach, "p": p_value, "deviation": deviation}


def percent(share: float | None) -> str:
    """A share as a percentage with one decimal, "" for None."""
    return "" if share is None else f"{100 * share:.1f}"
