"""Every baseline's gradient weight against its closed form (tests/support/closed_forms.py), in every branch."""

import math

import numpy as np
import pytest
import torch
from closed_forms import Sample, members, value
from weight_cases import LAST, SETTINGS, WEIGHTS, random_sample, single_tokens

from recipes.plugin.methods import METHODS


@pytest.mark.parametrize(("weight", "settings"), SETTINGS)
def test_equals_the_closed_form_in_every_branch(weight, settings):
    t = random_sample(weight.sequences)
    form = weight.form(t, **settings)
    w = weight.of(t, **settings)
    for branch, chosen in enumerate(members(form)):
        assert (chosen & t.mask).sum() >= 5, f"branch {branch} has too few tokens to show anything"
    for side in (t.x < -0.5, t.x > 0.5, np.abs(t.x) < 0.09):
        for sign in (t.minus, t.plus, t.A == 0):
            assert (side & sign & t.mask).any(), "a side has no token of this sign"
    np.testing.assert_allclose(w.numpy()[t.mask], value(form)[t.mask], rtol=1e-9, atol=0)
    assert torch.isfinite(w).all()
    assert (w < 0).any() == weight.negative


@pytest.mark.parametrize(("weight", "settings"), LAST)
@pytest.mark.parametrize("given", [torch.bfloat16, torch.float32])
def test_low_precision_computes_in_float32(weight, settings, given):
    """The inputs are rounded before both sides see them; a token within rounding of a jump may fall on either side."""
    t = random_sample(weight.sequences)
    names = ("log_ratio", "old", "A", "entropy")
    rounded = dict(
        zip(names, (column.to(given).double().numpy() for column in t.tensors(" ".join(names))), strict=True)
    )
    t = Sample(mask=t.mask, **rounded)
    w = weight.of(t, given, **settings)
    assert w.dtype == torch.float32
    close = np.isclose(w.numpy(), value(weight.form(t, **settings)), rtol=1e-4, atol=1e-30)
    assert close[t.mask].mean() > 0.995


@pytest.mark.parametrize(("weight", "settings"), LAST)
def test_carries_no_gradient_and_leaves_its_inputs_alone(weight, settings):
    t = random_sample(weight.sequences)
    columns = t.tensors(weight.takes)
    before = [column.clone() for column in columns]
    leaves = [column.requires_grad_() if column.is_floating_point() else column for column in columns]
    assert not weight.ours(*leaves, **settings).requires_grad
    assert all(torch.equal(leaf.detach(), old) for leaf, old in zip(leaves, before, strict=True))


# Extremes


@pytest.mark.parametrize(("weight", "settings"), LAST)
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-9), (torch.float32, 2e-5)])
@pytest.mark.parametrize("advantage", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("q", [1e-12, 1.0])
def test_finite_at_extreme_ratios(weight, settings, advantage, q, dtype, rtol):
    """Beyond +-20 the weight is that of the clamped log-ratio, as in verl's own losses."""
    log_ratio = [-1e4, -60.0, -20.0, 20.0, 60.0, 1e4]
    t = single_tokens(log_ratio, [advantage] * 6, old=[math.log(q)] * 6)
    w = weight.of(t, dtype, **settings)
    assert torch.isfinite(w).all()
    np.testing.assert_allclose(w.double().numpy(), value(weight.form(t, **settings)), rtol=rtol, atol=1e-37)


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (2, 3)])
def test_keeps_the_shape(weight, shape):
    t = Sample(*(np.zeros(shape) for _ in range(3)), np.ones(shape, dtype=bool), np.zeros(shape))
    assert weight.of(t).shape == shape


def test_every_baseline_is_tested_here():
    names = {name for name in METHODS if METHODS[name].__module__.startswith("losses.baselines.")}
    assert names == {name.split(",")[0] for name in WEIGHTS}
