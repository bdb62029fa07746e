"""The page of a toy scale: paired differences with Holm's correction, against scipy's paired test."""

import numpy as np
from scipy.stats import ttest_rel

from benchmarks import toys


def test_differences_are_those_of_paired_tests():
    rng = np.random.default_rng(0)
    values = {method: 0.4 + 0.02 * rng.standard_normal(8) + shift for method, shift in METHODS.items()}
    runs = [
        {"method": method, "seed": seed, "avg_at_32": value, "reward_in_training": value / 2}
        for method, own in values.items()
        for seed, value in enumerate(own)
    ]
    rows = [line.split(" | ") for line in toys._differences(runs[::-1]) if line.startswith("| Avg@32")]
    p_values = {method: ttest_rel(values[method], values["grpo"]).pvalue for method in METHODS if method != "grpo"}
    least = min(p_values, key=p_values.get)
    found = {method: (interval, float(p)) for _, method, interval, p, _ in rows}
    assert found.keys() == p_values.keys()
    assert found[least][1] == round(min(1.0, 3 * p_values[least]), 3)
    for method, (interval, _) in found.items():
        assert interval.startswith(f"{100 * (values[method] - values['grpo']).mean():+.1f} [")


METHODS = {"grpo": 0.0, "cispo": -0.04, "dgpo": 0.0, "sapo": 0.01}
