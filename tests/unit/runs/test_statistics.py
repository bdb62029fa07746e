"""Statistics against numbers worked out by hand, by enumeration, and by verl."""

from itertools import combinations, product
from math import sqrt

import numpy as np
import pytest
from scipy import stats
from verl.trainer.ppo.metric_utils import bootstrap_metric, process_validation_metrics

from recipes.runs import statistics as st

RANDOM = np.random.default_rng(0)


def solved(times: int, samples: int = 32) -> np.ndarray:
    return np.array([1.0] * times + [0.0] * (samples - times))


@pytest.mark.parametrize(
    "samples, right, k", [(n, c, k) for n in (1, 4, 6) for c in range(n + 1) for k in range(1, n + 1)]
)
def test_pass_at_k_is_the_share_of_subsets_that_hold_a_right_sample(samples, right, k):
    subsets = list(combinations(solved(right, samples), k))
    expected = sum(max(subset) for subset in subsets) / len(subsets)
    assert st.pass_at_k(right, samples, k) == pytest.approx(expected, abs=1e-12)


def test_pass_at_k_by_hand():
    assert st.pass_at_k(2, 4, 2) == pytest.approx(1 - 1 / 6)  # C(2,2)/C(4,2)
    assert st.pass_at_k(1, 32, 32) == 1.0
    assert st.pass_at_k(0, 32, 32) == 0.0
    assert st.pass_at_k(7, 32, 1) == 7 / 32


@pytest.mark.parametrize("k", [0, 5])
def test_pass_at_k_refuses_what_cannot_be_estimated(k):
    with pytest.raises(ValueError, match=f"Pass@{k} can't be estimated from 4 samples"):
        st.pass_at_k(1, 4, k)


@pytest.mark.parametrize("samples", [2, 5, 32])
def test_best_at_n_is_verls_number_bit_for_bit(samples):
    correct = (RANDOM.random((7, samples)) < 0.2).astype(float)
    verl = [bootstrap_metric(list(row), samples, [np.max], seed=42)[0][0] for row in correct]
    assert st.verl_best_at_n(correct) == float(np.mean(verl))
    sources = ["s"] * correct.size
    uids = [str(problem) for problem in range(7) for _ in range(samples)]
    reported = process_validation_metrics(sources, uids, {"acc": correct.ravel().tolist()})
    assert st.verl_best_at_n(correct) == reported["s"]["acc"][f"best@{samples}/mean"]


@pytest.mark.parametrize("published", [94.1, 94.7, 94.9, 96.6, 97.2])
def test_published_amc23_numbers_are_results_of_problems_solved_few_times(published):
    """39 problems solved always but a few, one solved k times in 32: only the biased estimate gives such numbers."""
    found = set()
    for never, times in product(range(4), range(32)):
        correct = np.stack([solved(32)] * (39 - never) + [solved(0)] * never + [solved(times)])
        found.add(round(100 * st.verl_best_at_n(correct), 1))
    assert published in found
    unbiased = {round(100 * right / 40, 1) for right in range(41)}  # Pass@32 from 32 samples: solved or not
    assert published not in unbiased


def test_a_problem_solved_once_in_32():
    assert st.verl_best_at_n(solved(1)[None]) == pytest.approx(1 - (31 / 32) ** 32, abs=0.04)
    assert st.mean_pass_at_k(solved(1)[None], 32) == 1.0


def test_missing_samples_are_left_out_and_never_wrong():
    correct = np.array([[1.0, np.nan], [0.0, 1.0]])
    assert st.avg_at_n(correct) == 0.75
    assert st.mean_pass_at_k(correct, 1) == 0.75
    with pytest.raises(ValueError, match="missing"):
        st.verl_best_at_n(correct)
    assert np.isnan(st.avg_at_n(np.array([[np.nan], [1.0]])))


def test_majority():
    correct = np.array([[1.0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    answers = [["1/2", "0.5", "3", "4", ""], ["1", "2", "2", "", ""], [""] * 5, ["3", "", "", "", "1"]]
    # 1/2 and 0.5 are one answer; two 2s beat one 1; nothing at all; of 3 and 1 the first.
    assert [st._majority(*pair) for pair in zip(answers, correct, strict=True)] == [1.0, 0.0, 0.0, 0.0]
    assert st.majority_at_n(answers, correct) == 0.25


def test_standard_errors_by_hand():
    correct = np.array([[1.0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]])
    found = st.standard_errors(correct)
    assert found.sampling == pytest.approx(sqrt(3 / 16 / 3 + 1 / 4 / 3) / 3)
    assert found.total == pytest.approx(np.std([0.25, 1, 0.5], ddof=1) / sqrt(3))
    assert found.problems == pytest.approx(sqrt(found.total**2 - found.sampling**2))


def test_standard_errors_are_the_spread_of_repeated_evaluations():
    """Same problems, new samples: `sampling`. New problems too: `total`."""
    p = RANDOM.beta(1, 2, size=(4000, 30))
    means = (RANDOM.random((4000, 30, 8)) < p[..., None]).mean((1, 2))
    again = (RANDOM.random((4000, 30, 8)) < p[0, :, None]).mean((1, 2))
    runs = [(RANDOM.random((30, 8)) < row[:, None]).astype(float) for row in p[:500]]
    assert np.sqrt(np.mean([st.standard_errors(run).total ** 2 for run in runs])) == pytest.approx(
        means.std(), rel=0.05
    )
    same = [(RANDOM.random((30, 8)) < p[0, :, None]).astype(float) for _ in range(500)]
    estimated = np.sqrt(np.mean([st.standard_errors(run).sampling ** 2 for run in same]))
    assert estimated == pytest.approx(again.std(), rel=0.05)


def test_standard_errors_that_cannot_be_known():
    assert np.isnan(st.standard_errors(np.array([[1.0], [0.0]])).sampling)
    assert np.isnan(st.standard_errors(np.array([[1.0, 0.0]])).total)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        groups = [draw.binomial(8, draw.beta(1, 1, size=count)) / 8 for count in (60, 200)]
        low, high = st.interval(groups, seed)
        covered += low <= 0.5 <= high
    assert 180 <= covered <= 198


def quantiles_of_all_draws(groups: list[list[float]]) -> tuple[float, float]:
    """The interval that endless resampling would give: every draw of every group is equally likely."""
    means = [[np.mean(draw) for draw in product(group, repeat=len(group))] for group in groups]
    low, high = np.quantile([np.mean(one) for one in product(*means)], [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


@pytest.mark.parametrize(
    "groups", [[[0.0, 1, 1, 1, 0, 1]], [[0.5, 0, 1], [0.25, 1, 0, 0.75]], [[0.5], [0, 1, 1, 0, 0]]]
)
def test_the_interval_is_that_of_all_draws(groups):
    """Within a tenth: these few problems have few possible means, and 9,999 draws put the end on one of them."""
    found = st.interval([np.array(group) for group in groups])
    assert found == pytest.approx(quantiles_of_all_draws(groups), abs=0.1)
    assert found == st.interval([np.array(group) for group in groups])


@pytest.mark.parametrize(
    ("counts", "former"),
    [((30, 500), (0.4003, 0.5187)), ((30,), (0.3250, 0.5542)), ((1, 30), (0.2875, 0.4021))],
)
def test_the_interval_is_what_it_was_before_scipy_drew_it(counts, former):
    """Ends of 9,999 draws have a standard error of 0.027 standard deviations, √(q(1−q)/N)/φ(1.96); four of both."""
    draw = np.random.default_rng(7)
    groups = [draw.binomial(8, draw.beta(1, 1, size=count)) / 8 for count in (30, 500)]
    chosen = {1: [np.array([0.25]), groups[0]], 30: groups[: len(counts)]}[counts[0]]
    tolerance = 4 * sqrt(2) * 0.027 * st.error_of_mean([st.clustered_error(g) if len(g) > 1 else 0 for g in chosen])
    assert st.interval(chosen) == pytest.approx(former, abs=tolerance)


def test_each_benchmark_counts_the_same_however_many_problems_it_has():
    small, large = np.zeros(10), np.ones(1000)
    assert st.interval([small, large]) == (0.5, 0.5)
    weights = st.weights_of([small, large])
    assert weights.sum() == pytest.approx(1) and weights[:10].sum() == pytest.approx(0.5)


def test_comparison_equals_all_sign_flips():
    first, second = RANDOM.random(8), RANDOM.random(8)
    found = st.compare([first[:3], first[3:]], [second[:3], second[3:]])
    weights = np.array([1 / 6] * 3 + [1 / 10] * 5)
    difference = (second - first) @ weights
    flips = np.array([(signs * (second - first)) @ weights for signs in product((-1, 1), repeat=8)])
    assert found.difference == pytest.approx(difference)
    assert found.p_value == pytest.approx(np.mean(np.abs(flips) >= abs(difference) - 1e-12), abs=1e-9)


def test_comparison_of_equals_and_of_a_clear_winner():
    same = RANDOM.random(200)
    assert st.compare([same], [same]).p_value == 1.0
    better = st.compare([same], [np.clip(same + 0.1 * RANDOM.random(200), 0, 1)])
    assert better.p_value < 0.001 and better.interval[0] > 0 and better.standard_error < 0.01


def test_under_the_null_small_p_values_are_as_rare_as_they_should_be():
    below = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        p = draw.random(40)
        below += st.compare([draw.binomial(8, p) / 8], [draw.binomial(8, p) / 8], seed).p_value < 0.1
    assert 8 <= below <= 34


def test_other_problems_are_refused():
    with pytest.raises(ValueError, match="different problems"):
        st.compare([np.zeros(3)], [np.zeros(4)])


def test_paired_is_students_t() -> None:
    values = np.array([0.1, 0.3, -0.1, 0.4, 0.2])
    said, expected = st.paired(values), stats.ttest_1samp(values, 0.0)
    interval = expected.confidence_interval(0.95)
    assert said["p"] == pytest.approx(expected.pvalue)
    assert (said["low"], said["high"]) == pytest.approx((interval.low, interval.high))
    assert st.paired(np.zeros(5))["p"] == 1.0
