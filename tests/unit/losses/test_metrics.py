"""What the baselines report to verl."""

import math
import re

import bapo_by_hand
import closed_forms
import numpy as np
import pytest
from baseline_cases import CASES, EVERY_OF_OURS, OURS, called, full_batch, ratios_and_advantages, sample_of
from loss_cases import BOUNDARY_CASES, HIGH, LOW

from losses.metrics import mean_weights
from losses.ratio_histogram import RATIO_SHARES

WITHOUT_LIKELIHOOD = [
    pytest.param(CASES[name], id=name) for name in OURS if not re.search("likelihood|quadratic", name)
]


@pytest.mark.parametrize("case", EVERY_OF_OURS)
def test_metrics_are_plain_floats_that_verl_reduces_by_mean(case):
    """verl reduces a metric by maximum or minimum when its NAME contains `max` or `min`."""
    _, _, metrics = called(case, full_batch())
    kinds = ("token_share", "weight_mass")
    shared = {"actor/ppo_kl", *RATIO_SHARES} | {f"actor/{kind}/{name}" for kind in kinds for name in BOUNDARY_CASES}
    assert shared <= set(metrics)
    assert not [name for name in metrics if "max" in name or "min" in name or not name.startswith("actor/")]
    assert all(type(number) is float and math.isfinite(number) for number in metrics.values())


def test_bapo_reports_the_bounds_it_trains_with():
    for name, settings in (("bapo", {"target": 0.7}), ("bapo, active", {"target": 0.6, "statistic": "active"})):
        batch = full_batch()
        _, _, metrics = called(CASES[name], batch)
        c_low, c_high, share = bapo_by_hand.search(ratios_and_advantages(batch), **settings)
        assert (c_low, c_high) != (0.6, 1.2)
        found = [metrics[f"actor/{key}"] for key in ("bapo_c_low", "bapo_c_high", "bapo_positive_share")]
        assert found == pytest.approx([c_low, c_high, share], rel=1e-9)


def test_entropy_adv_reports_its_mean_factor():
    batch = full_batch()
    t = sample_of(batch)
    _, _, metrics = called(CASES["entropy_adv"], batch)
    factor = closed_forms.shaped(t.A, t.entropy) / t.A
    assert metrics["actor/entropy_adv_factor"] == pytest.approx(factor[t.mask].mean(), rel=1e-9)


def test_drpo_reports_the_share_of_tokens_that_it_turns_back():
    """Where the closed form's weight is negative."""
    batch = full_batch()
    t = sample_of(batch)
    _, _, metrics = called(CASES["drpo"], batch)
    turned = (CASES["drpo"].ascent(batch) / t.A < 0)[t.mask].mean()
    assert 0 < turned < 0.5, "else a comparison the other way round would not be noticed"
    assert metrics["actor/drpo_turned_back"] == pytest.approx(turned, rel=1e-9)


@pytest.mark.parametrize("case", WITHOUT_LIKELIHOOD)
def test_weight_mass_is_that_of_the_methods_own_weight(case):
    """After the dual clip; the cases are cut at the actor's clip widths, whatever the method's own bounds."""
    batch = full_batch()
    t = sample_of(batch)
    weight = case.ascent(batch) / t.A
    _, _, metrics = called(case, batch)
    sides = {"left": t.r < 1 - LOW, "right": t.r > 1 + HIGH}
    signs = {"negative": t.minus, "positive": t.plus}
    for name in BOUNDARY_CASES:
        side, sign = name.split("_")
        member = (sides[side] & signs[sign])[t.mask]
        assert metrics[f"actor/token_share/{name}"] == pytest.approx(member.mean(), rel=1e-9)
        mass = np.where(member, weight[t.mask], 0.0).mean()
        assert metrics[f"actor/weight_mass/{name}"] == pytest.approx(mass, rel=1e-9)


def test_mean_weight_of_a_case_is_its_mass_over_its_share_and_absent_without_tokens():
    """As the trainer adds it to an update's reduced metrics."""
    batch, case = full_batch(), CASES["gppo, no dual clip"]
    t = sample_of(batch)
    found = mean_weights(called(case, batch)[2])
    assert set(found) == {f"actor/weight_mean/{name}" for name in BOUNDARY_CASES}
    assert found["actor/weight_mean/right_positive"] == pytest.approx(1 + HIGH, rel=1e-9)
    assert found["actor/weight_mean/left_negative"] == pytest.approx(1 - LOW, rel=1e-9)
    outside = t.mask & t.minus & (t.r > 1 + HIGH)
    assert found["actor/weight_mean/right_negative"] == pytest.approx(t.r[outside].mean(), rel=1e-9)
    batch["advantages"] = batch["advantages"].abs()
    assert set(mean_weights(called(case, batch)[2])) == {
        "actor/weight_mean/left_positive",
        "actor/weight_mean/right_positive",
    }
