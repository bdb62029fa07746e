"""The losses verl calls for the baselines: their gradient.

With respect to log pi it is minus the ascent of tests/support/baseline_cases.py times the factor of verl's
aggregation.
"""

import math

import closed_forms
import numpy as np
import pytest
import torch
from baseline_cases import CASES, EVERY, EVERY_OF_OURS, IN_EVERY_MODE, OURS, called, full_batch, sample_of
from closed_forms import value
from loss_cases import DUAL, HIGH, gradient_of, tolerance

SEEDS = (0, 1, 2)


@pytest.mark.parametrize(("case", "mode"), IN_EVERY_MODE)
@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_is_minus_weight_times_advantage(case, mode, seed):
    batch = full_batch(seed=seed)
    loss, grad, _ = called(case, batch, mode)
    target = gradient_of(batch, case.ascent(batch), mode)
    assert np.count_nonzero(target) >= 15
    np.testing.assert_allclose(grad.numpy(), target, rtol=tolerance(mode), atol=0)
    if not case.is_verls:  # verl's values are those of its own surrogates
        assert loss.item() == pytest.approx(target.sum(), abs=tolerance(mode) * np.abs(target).sum())


@pytest.mark.parametrize(
    ("plain", "changed"),
    [
        ("grpo", "grpo, no dual clip"),
        ("grpo", "grpo, opsm"),
        ("gppo", "gppo, opsm"),
        ("cispo", "cispo, top entropy"),
        ("bapo", "bapo, top entropy"),
        ("topr", "topr, opsm"),
        ("cispo", "cispo, one-sided"),
        ("cispo", "cispo, masked"),
        ("cispo", "cispo, dual clip"),
        ("gppo", "gppo, no dual clip"),
        ("gppo", "gppo, likelihood"),
        ("ce_gppo", "ce_gppo, changed"),
        ("ce_gppo", "ce_gppo, likelihood"),
        ("aspo", "aspo, dual clip"),
        ("aspo", "aspo, split"),
        ("aspo, split", "aspo, split changed"),
        ("dac", "dac, changed"),
        ("bapo", "bapo, active"),
        ("bapo", "bapo, changed"),
        ("m2po", "m2po, changed"),
        ("sapo", "sapo, dual clip"),
        ("gspo", "gspo, dual clip"),
        ("topr", "topr, geometric mean"),
        ("vespo", "vespo, changed"),
        ("dppo_tv", "dppo_tv, quadratic"),
        ("dppo_kl", "dppo_kl, dual clip"),
        ("dppo_kl", "dppo_kl, quadratic"),
        ("drpo", "drpo, changed"),
        ("dppo_tv", "dppo_tv, dual clip"),
        ("entropy_adv", "entropy_adv, changed"),
    ],
)
def test_every_option_does_something_on_this_batch(plain, changed):
    """Otherwise the test above would not notice an option that is ignored."""
    batches = [full_batch(seed=seed) for seed in SEEDS]
    differ = [CASES[plain].ascent(batch) != CASES[changed].ascent(batch) for batch in batches]
    assert any(tokens[batch["response_mask"]].any() for tokens, batch in zip(differ, batches, strict=True))


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 5e-5), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("case", EVERY_OF_OURS)
def test_gradient_in_low_precision(case, dtype, rtol):
    """Rounding may carry a token across a jump, in bfloat16, so a few tokens may differ."""
    batch = full_batch(dtype)
    loss, grad, _ = called(case, batch)
    assert grad.dtype == dtype
    assert loss.dtype == torch.float32
    close = np.isclose(grad.double().numpy(), gradient_of(batch, case.ascent(batch)), rtol=rtol, atol=1e-12)
    allowed = 0 if dtype == torch.float32 else 3
    assert (~close).sum() <= allowed


@pytest.mark.parametrize("case", EVERY)
def test_zero_advantages_leave_only_terms_without_an_advantage(case):
    batch = full_batch()
    batch["advantages"] = torch.zeros_like(batch["advantages"])
    _, grad, _ = called(case, batch)
    np.testing.assert_allclose(grad.numpy(), gradient_of(batch, case.ascent(batch), case.modes[0]), atol=0, rtol=1e-7)
    terms = (getattr(case.config, name, 0) for name in ("likelihood_coefficient", "dppo_quadratic"))
    assert (grad == 0).all() != any(terms)


@pytest.mark.parametrize("case", EVERY)
def test_rollout_correction_weights_multiply_every_token(case):
    batch = full_batch()
    rollout_is_weights = torch.linspace(0, 2, batch["log_prob"].numel(), dtype=torch.float64).view(8, 12)
    loss, grad, metrics = called(case, batch, rollout_is_weights=rollout_is_weights)
    mode = case.modes[0]
    target = gradient_of(batch, case.ascent(batch), mode) * rollout_is_weights.numpy()
    np.testing.assert_allclose(grad.numpy(), target, rtol=tolerance(mode), atol=0)
    if not case.is_verls:
        assert loss.item() == pytest.approx(target.sum(), abs=tolerance(mode) * np.abs(target).sum())
        assert metrics == called(case, batch)[2], "metrics describe the method's own weight"


@pytest.mark.parametrize("case", EVERY)
@pytest.mark.parametrize("advantage", [-1.0, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_at_extreme_ratios(case, advantage, dtype):
    """Ratios of e^+-60 at old probabilities of 1e-12 and 1; ours take the weight of the ratio clamped at e^+-20."""
    old = torch.tensor([[math.log(1e-12)] * 2, [0.0] * 2], dtype=dtype)
    log_ratio = torch.tensor([-60.0, 60.0], dtype=dtype)
    batch = {
        "old_log_prob": old,
        "log_prob": old + log_ratio,
        "advantages": torch.full_like(old, advantage),
        "response_mask": torch.ones(2, 2, dtype=torch.bool),
        "entropy": torch.tensor([[0.0, 12.0]] * 2, dtype=dtype),
        "correct": torch.tensor([[True], [False]]),
    }
    loss, grad, metrics = called(case, batch)
    assert torch.isfinite(loss)
    assert torch.isfinite(grad).all()
    assert all(map(math.isfinite, metrics.values()))
    if not case.is_verls:
        target = gradient_of(batch, case.ascent(batch), case.modes[0])
        rtol = 1e-9 if dtype == torch.float64 else 5e-5
        np.testing.assert_allclose(grad.double().numpy(), target, rtol=rtol, atol=1e-37)


@pytest.mark.parametrize(
    ("name", "form", "low"),
    [
        ("cispo, ours", closed_forms.cispo, 10.0),
        ("dppo_tv, ours", closed_forms.dppo_tv, 1.0),
        ("dppo_kl, ours", closed_forms.dppo_kl, 1.0),
        ("gmpo", closed_forms.gmpo, 1.2),
    ],
)
def test_a_lower_width_of_1_or_more_trains(name, form, low):
    """No lower bound on the ratio (as verl's CISPO examples write it), none on a probability, a wide one on log r."""
    batch = full_batch()
    widths = {"clip_ratio_low": low, "clip_ratio_high": HIGH}
    t = sample_of(batch)
    settings = widths | ({"clip_ratio_c": DUAL} if name.startswith("dppo") else {})
    _, grad, metrics = called(CASES[name], batch, **widths)
    np.testing.assert_allclose(grad.numpy(), gradient_of(batch, value(form(t, **settings)) * t.A), rtol=1e-9, atol=0)
    assert metrics["actor/token_share/left_negative"] == 0


# The dual clip


@pytest.mark.parametrize("c", [1.5, 3.0])
@pytest.mark.parametrize("name", [name for name in OURS if CASES[name].config.dual_clip])
def test_dual_clip_drops_exactly_the_negative_tokens_beyond_c(name, c):
    case, batch = CASES[name], full_batch()
    t = sample_of(batch)
    _, grad, _ = called(case, batch, clip_ratio_c=c)
    beyond = t.minus & (t.r > c) & t.mask & ~batch["correct"].numpy()  # the likelihood term is not clipped
    assert beyond.any()
    assert (grad.numpy()[beyond] == 0).all()
    below = t.minus & (t.r < c) & (t.r > 1.0) & t.mask
    assert below.any()
    assert (grad.numpy()[below] != 0).all()


@pytest.mark.parametrize("shift", [-1, 0, 1])
@pytest.mark.parametrize("name", ["grpo, ours", "gppo", "entropy_adv"])
def test_dual_clip_is_strict_at_c(name, shift):
    """One ulp of the log-ratio around log c."""
    x = math.log(2.5) + shift * math.ulp(math.log(2.5))
    batch = {
        "old_log_prob": torch.zeros(1, 1, dtype=torch.float64),
        "log_prob": torch.tensor([[x]], dtype=torch.float64),
        "advantages": torch.tensor([[-1.0]], dtype=torch.float64),
        "response_mask": torch.ones(1, 1, dtype=torch.bool),
        "entropy": torch.zeros(1, 1, dtype=torch.float64),
    }
    _, grad, _ = called(CASES[name], batch)
    assert (grad.item() == 0) == (shift > 0)
    if shift <= 0:
        assert grad.item() == pytest.approx(2.5)
