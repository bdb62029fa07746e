"""The page of a toy scale: paired differences with Holm's correction, against scipy's paired test."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from benchmarks import smollm2, study, toys
from recipes.common.errors import UserError


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
    corrected, last = {}, 0.0  # Holm: the smallest p three times, the next one twice, never below the one before
    for place, method in enumerate(sorted(p_values, key=p_values.get)):
        corrected[method] = last = min(1.0, max(last, (3 - place) * p_values[method]))
    found = {method: (interval, p) for _, method, interval, p, _ in rows}
    assert found.keys() == p_values.keys()
    assert min(corrected.values()) < 0.001 < max(corrected.values())
    for method, (interval, p_value) in found.items():
        assert p_value == (f"{corrected[method]:.3f}" if corrected[method] >= 0.001 else "< 0.001")
        assert interval.startswith(f"{100 * (values[method] - values['grpo']).mean():+.1f} [")


def test_beside_them_stand_the_studys_at_the_same_rate():
    """From its own rows: 1.5e-4 is not the rate at which it compares them."""
    setting = {"rate": 1.5e-4, "updates": 64, "group": 8}
    runs = [
        {"method": method, "seed": seed, "avg_at_32": 0.4 + seed * shift, "reward_in_training": 0.3, **setting}
        for method, shift in METHODS.items()
        for seed in range(3)
    ]
    rows = [line.strip("| ").split(" | ") for line in toys._beside_the_study(runs) if line.startswith("| cispo")]
    study = (
        pd.read_parquet(toys.STUDY)
        .query("updates == 64 and rate == 0.00015 and not tuning")
        .pivot(index="seed", columns="method")
    )
    ((_, here, there, _, area),) = rows
    assert here.startswith("-4.0 [")
    assert there.startswith(f"{100 * (study.end.cispo - study.end.grpo).mean():+.1f} [")
    assert area.startswith(f"{100 * (study.area.cispo - study.area.grpo).mean():+.1f} [")


@pytest.mark.parametrize(
    "runs, message",
    [
        ([("dgpo", 0, 0.4)], "grpo has no result with seed 0"),
        ([("grpo", 0, 0.4), ("grpo", 1, 0.4), ("dgpo", 0, 0.4)], "dgpo has no result with seed 1.*--seeds 1`"),
        ([("grpo", 0, 0.4), ("dgpo", 0, 0.4), ("dgpo", 2, 0.4)], "grpo has no result with seed 2"),
    ],
)
def test_what_can_not_be_paired_is_named(runs, message):
    with pytest.raises(UserError, match=message):
        toys._paired(runs)


@pytest.mark.parametrize(
    "collector, message",
    [(toys, "holds no results at scale tiny"), (study, "holds no cell of a study"), (smollm2, "is no finished run")],
)
@pytest.mark.parametrize("place", ["", "nowhere"])
def test_a_folder_with_nothing_to_collect_is_one_sentence(collector, message, place, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["collect", str(tmp_path / place)])
    monkeypatch.setattr(collector, "RESULTS", tmp_path)
    with pytest.raises(SystemExit, match=r"^2$"):
        collector.main()
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


METHODS = {"grpo": 0.0, "cispo": -0.04, "dgpo": 0.0, "sapo": 0.01}
