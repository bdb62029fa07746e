"""The statistics of the study against published formulas and made-up tables with known answers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recipes.study.comparison import at_kl, best_rates, comparisons, detectable, holm


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]


def test_the_detectable_difference_is_detected_four_times_in_five() -> None:
    size, tests, deviation = 64, 64, 0.1
    effect = detectable(deviation, size, tests)
    draws = np.random.default_rng(0).normal(effect, deviation, (4000, size))
    found = stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05 / tests
    assert 0.75 < found.mean() < 0.85


def made_up(method: str, rate: float, offset: float, kl: float) -> list[dict[str, object]]:
    noise = np.random.default_rng(0).normal(0, 0.1, 12)  # of the seed: the same for every method
    return [
        {
            **{"updates": 16, "group": 16, "staleness": 0, "method": method, "rate": rate},
            **{"seed": seed if seed < 10 else 1000 + seed, "tuning": seed >= 10, "kl": kl, "collapsed": False},
            **{"end": 0.5 + noise[seed] + offset + 0.001 * (seed % 2), "area": 0.4 + noise[seed]},
            **{"outside": 0.1, "entropy": 1.0, "gradient_norm": 1.0},
        }
        for seed in range(12)
    ]


def test_rates_are_chosen_on_seeds_that_are_not_compared() -> None:
    frame = pd.DataFrame(made_up("grpo", 0.1, 0.0, 0.1) + made_up("grpo", 0.2, 0.05, 0.2))
    frame.loc[(frame.rate == 0.1) & ~frame.tuning, "end"] += 1.0  # better where nobody may look
    assert best_rates(frame).tolist() == [0.2]


def test_a_difference_between_methods_is_found_and_none_is_not() -> None:
    frame = pd.DataFrame(
        made_up("grpo", 0.1, 0.0, 0.01)
        + made_up("grpo", 0.2, -0.2, 1.0)
        + made_up("better", 0.1, 0.03, 0.1)
        + made_up("equal", 0.1, 0.0, 0.01)
    )
    frame.loc[frame.method == "better", "end"] += 0.001 * (frame.seed % 3)
    table = comparisons(frame, "grpo").set_index("method")
    assert table.loc["better", "end_difference"] == pytest.approx(0.03, abs=0.002)
    assert table.loc["better", "end_holm"] == pytest.approx(2 * table.loc["better", "end_p"]) and (
        table.loc["better", "end_holm"] < 0.05 and table.loc["equal", "end_holm"] == 1.0
    )
    assert np.isnan(table.loc["grpo", "end_difference"])
    # KL 0.1 lies half-way, in the logarithm, between GRPO's 0.01 and 1: its reward there is 0.1 less.
    assert table.loc["better", "kl_difference"] == pytest.approx(0.13, abs=0.002)


def test_no_rate_with_that_kl_is_no_number() -> None:
    frame = pd.DataFrame(made_up("grpo", 0.1, 0.0, 0.01) + made_up("grpo", 0.2, 0.0, 1.0))
    assert at_kl(frame[~frame.tuning], 2.0) is None
