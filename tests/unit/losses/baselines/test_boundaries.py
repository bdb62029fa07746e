"""The baselines' gradient weights exactly at, and one ulp beside, every ratio at which they jump.

The inequalities are strict in the papers and their codes: a ratio exactly at a bound is inside.
"""

import math

import closed_forms
import numpy as np
import pytest
import torch
from closed_forms import value
from weight_cases import DAC_WIDTHS, LAST, WIDTHS, log_of, neighbours, random_sample, single_tokens

from losses.baselines import aspo, bapo, clip_higher, dac, dppo_tv, gmpo, grpo


@pytest.mark.parametrize(("weight", "settings"), [case for case in LAST if case.values[0].edges])
@pytest.mark.parametrize("advantage", [-1.3, 0.0, 1.3])
def test_exactly_at_every_boundary_and_one_ulp_beside_it(weight, settings, advantage):
    """The inequalities are strict: a ratio exactly at a bound is inside."""
    ratios = [ratio for edge in weight.edges for ratio in neighbours(edge)]
    t = single_tokens([log_of(ratio) for ratio in ratios], [advantage] * len(ratios))
    assert torch.equal(torch.exp(t.tensors("log_ratio")[0]).flatten(), torch.tensor(ratios, dtype=torch.float64))
    t.__dict__["r"] = np.array(ratios)[:, None]  # the form decides on the same ratio, whatever numpy's exp gives
    np.testing.assert_allclose(weight.of(t, **settings).numpy(), value(weight.form(t, **settings)), rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("ours", "settings"),
    [
        (grpo.gradient_weight, {"clip_ratio_low": 0.1, "clip_ratio_high": 0.3}),
        (clip_higher.gradient_weight, {"clip_ratio_low": 0.1, "clip_ratio_high": 0.3}),
        (bapo.gradient_weight, {"c_low": 0.9, "c_high": 1.3}),
        (aspo.gradient_weight, {"clip_ratio_low": 0.1, "clip_ratio_high": 0.3}),
    ],
)
def test_the_hard_clip_jumps_one_ulp_beyond_its_boundary_and_for_one_sign_only(ours, settings):
    """What the test above says of all methods, in numbers."""

    def at(ratio, advantage):
        token = torch.tensor([[log_of(ratio)], [advantage]], dtype=torch.float64)
        return ours(*token, **settings).item()

    below, lower, _ = neighbours(0.9)
    _, upper, above = neighbours(1.3)
    assert at(lower, -1.0) == pytest.approx(0.9)
    assert at(below, -1.0) == 0.0
    assert at(below, 1.0) > 0.5
    assert at(upper, 1.0) > 0.5
    assert at(above, 1.0) == 0.0
    assert at(above, -1.0) == pytest.approx(1.3)


@pytest.mark.parametrize("advantage", [-1.3, 0.0, 1.3])
def test_gmpo_clips_the_logarithm_exactly_at_its_bounds(advantage):
    t = single_tokens([x for edge in (-0.1, 0.3) for x in neighbours(edge)], [advantage] * 6)
    w = gmpo.gradient_weight(*t.tensors("log_ratio A mask"), **WIDTHS)
    np.testing.assert_allclose(w.numpy(), value(closed_forms.gmpo(t, **WIDTHS)), rtol=1e-9, atol=0)
    dropped = {-1.3: [True] + 5 * [False], 0.0: 6 * [False], 1.3: 5 * [False] + [True]}[advantage]
    assert (w.flatten() == 0).tolist() == dropped


@pytest.mark.parametrize("advantage", [-1.3, 0.0, 1.3])
def test_dac_is_strict_at_bounds_that_depend_on_q(advantage):
    """q = 1: [3/4, 3/2]; q = 3/16 * 4 / 10: no room below, so L = 1/2; r_max = 1.375 below that U."""
    for old, lower, upper, r_max in ((0.0, 0.75, 1.5, 8.0), (math.log(0.075), 0.5, 1.375, 1.375)):
        ratios = [ratio for edge in (lower, upper) for ratio in neighbours(edge)]
        t = single_tokens([log_of(ratio) for ratio in ratios], [advantage] * 6, old=[old] * 6)
        t.__dict__["r"] = np.array(ratios)[:, None]
        settings = DAC_WIDTHS | {"dac_ratio_max": r_max}
        w = dac.gradient_weight(*t.tensors("log_ratio old A"), **settings)
        np.testing.assert_allclose(w.numpy(), value(closed_forms.dac(t, **settings)), rtol=1e-9, atol=0)
        dropped = {-1.3: [True] + 5 * [False], 0.0: 6 * [False], 1.3: 5 * [False] + [True]}[advantage]
        assert (w.flatten() == 0).tolist() == dropped


@pytest.mark.parametrize("q", [1.0, 0.9, 0.65, 0.64, 0.63, 0.3, 1e-3, 1e-12])
def test_dac_bounds_equal_the_closed_form(q):
    """0.64 = 4 * 0.16: there, and for all smaller q, the lower bound has reached 1/2."""
    old = torch.tensor([math.log(q)], dtype=torch.float64)
    lower, upper = dac.bounds(old)
    target = closed_forms.dac_bounds(q)
    # Half an ulp of 4 * eps / q becomes its square root where the bound is 1/2.
    assert [lower.item(), upper.item()] == pytest.approx(target, rel=1e-9 if abs(q - 0.64) > 1e-6 else 3e-8)
    assert (q > 0.64) == (target[0] > 0.5)
    # What the bounds are for: q * |r^2 - r| stays within the widths, unless capped.
    assert q * (target[0] - target[0] ** 2) <= 0.16 + 1e-9
    assert q * (target[1] ** 2 - target[1]) <= 0.2 + 1e-9


def test_dac_bounds_where_the_old_probability_underflows():
    for dtype in (torch.float32, torch.float64):
        lower, upper = dac.bounds(torch.tensor([-100.0, -1e4, -math.inf], dtype=dtype), dac_ratio_max=7.0)
        assert (lower == 0.5).all()
        assert (upper == 7.0).all()


@pytest.mark.parametrize("advantage", [-1.3, 0.0, 1.3])
def test_dppo_is_strict_at_its_divergence(advantage):
    """mu = 1/2 and a divergence of exactly 1/4 on either side; verl treats A = 0 as negative."""
    half, step = log_of(0.5), 1e-15  # a few ulps, so that the sum of the logarithms moves too
    log_ratio = [log_of(p, offset=half) + shift for p in (0.25, 0.75) for shift in (-step, 0.0, step)]
    columns = torch.tensor([log_ratio, [half] * 6, [advantage] * 6], dtype=torch.float64)
    moved = torch.exp(columns[1] + columns[0]) - torch.exp(columns[1])
    assert moved[0] < moved[1] == -0.25 < moved[2]
    assert moved[3] < moved[4] == 0.25 < moved[5]
    w = dppo_tv.gradient_weight(*columns, clip_ratio_low=0.25, clip_ratio_high=0.25)
    dropped = ([False] * 5 + [True]) if advantage > 0 else ([True] + [False] * 5)
    assert (w == 0).tolist() == dropped
    np.testing.assert_allclose(w[w > 0].numpy(), np.exp(log_ratio)[np.logical_not(dropped)], rtol=1e-9)


def test_aspo_splits_at_the_quantile_of_each_response():
    """Eleven tokens: the 0.8 quantile is the ninth smallest, and that token itself is not above it; six: the fifth."""
    entropy = torch.tensor([[*range(11), 99.0], [*range(50, 56), *[99.0] * 6]], dtype=torch.float64)
    mask = torch.tensor([[1] * 11 + [0], [1] * 6 + [0] * 6], dtype=torch.float64)
    above = aspo.high_entropy(entropy.masked_fill(mask == 0, 0.0), mask, 0.8)
    assert above.int().tolist() == [[0] * 9 + [1, 1, 0], [0] * 5 + [1] + [0] * 6]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("quantile", [0.2, 0.8, 0.95])
def test_aspo_high_entropy_equals_numpys_quantile(quantile, seed):
    t = random_sample(sequences=False, seed=seed)
    ours = aspo.high_entropy(*t.tensors("entropy mask"), quantile)
    for row in np.flatnonzero(t.mask.any(1)):
        known = t.entropy[row][t.mask[row]]
        assert (ours[row].numpy()[t.mask[row]] == (known > np.quantile(known, quantile))).all()
    assert not ours[7].any(), "a response without tokens"


def test_dacs_bounds_carry_no_gradient():
    old_log_prob = torch.full((2, 3), -1.0, requires_grad=True)
    assert not any(bound.requires_grad for bound in dac.bounds(old_log_prob))
