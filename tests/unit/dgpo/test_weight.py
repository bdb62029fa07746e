"""DGPO's gradient weight against closed forms of arXiv 2603.14389, written here in float64.

r < 1 - eps_low  and A < 0:   w = r * (r / (1 - eps_low))^n
r > 1 + eps_high and A > 0:   w = r * ((1 + eps_high) / r)^(1/m)
otherwise:                    w = r
"""

import math

import numpy as np
import pytest
import torch

from dgpo import gradient_weight

WIDTHS = [(0.2, 0.2), (0.1, 0.5), (0.5, 0.1)]
POWERS = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5)]


def closed_form(log_ratio, advantage, low=0.2, high=0.2, n=1, m=2):
    r = math.exp(min(max(log_ratio, -20.0), 20.0))
    if advantage < 0 and r < 1 - low:
        return r * (r / (1 - low)) ** n
    if advantage > 0 and r > 1 + high:
        return r * ((1 + high) / r) ** (1 / m)
    return r


def expected(log_ratio: torch.Tensor, advantages: torch.Tensor, **kwargs) -> np.ndarray:
    tokens = zip(log_ratio.double().flatten().tolist(), advantages.double().flatten().tolist(), strict=True)
    return np.array([closed_form(x, a, **kwargs) for x, a in tokens]).reshape(log_ratio.shape)


def weight(log_ratio, advantages, low=0.2, high=0.2, n=1, m=2) -> torch.Tensor:
    return gradient_weight(log_ratio, advantages, clip_ratio_low=low, clip_ratio_high=high, dgpo_n=n, dgpo_m=m)


def at(log_ratio: float, advantage: float, **kwargs) -> float:
    """The weight of a single float64 token."""
    token = torch.tensor([[log_ratio], [advantage]], dtype=torch.float64)
    return weight(*token, **kwargs).item()


def random_tokens(dtype=torch.float64, seed=0):
    """Tokens on both sides of both boundaries, with positive, negative and zero advantages."""
    rng = np.random.default_rng(seed)
    log_ratio = torch.from_numpy(rng.uniform(-3, 3, size=(12, 50))).to(dtype)
    advantages = torch.from_numpy(rng.choice([-1.7, -0.4, 0.0, 0.6, 2.1], size=(12, 50))).to(dtype)
    return log_ratio, advantages


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-9), (torch.float32, 2e-5), (torch.bfloat16, 2e-5)])
@pytest.mark.parametrize(("low", "high"), WIDTHS)
@pytest.mark.parametrize(("n", "m"), POWERS)
def test_equals_the_closed_form_in_every_branch(dtype, rtol, low, high, n, m):
    log_ratio, advantages = random_tokens(dtype)
    for side in (log_ratio < math.log(1 - low), log_ratio > math.log(1 + high), log_ratio.abs() < 0.09):
        for sign in (advantages < 0, advantages > 0, advantages == 0):
            assert (side & sign).any(), "a branch has no token"
    w = weight(log_ratio, advantages, low, high, n, m)
    np.testing.assert_allclose(
        w.double().numpy(), expected(log_ratio, advantages, low=low, high=high, n=n, m=m), rtol=rtol, atol=0
    )


def test_defaults_are_n_1_m_2_and_widths_of_a_fifth():
    log_ratio, advantages = random_tokens()
    np.testing.assert_allclose(
        gradient_weight(log_ratio, advantages).numpy(), expected(log_ratio, advantages), rtol=1e-9, atol=0
    )


@pytest.mark.parametrize(
    ("given", "returned"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_computes_in_float32_or_better(given, returned):
    assert weight(*random_tokens(given)).dtype == returned


@pytest.mark.parametrize("shape", [(), (0, 5), (3,), (2, 3)])
def test_keeps_the_shape(shape):
    assert weight(torch.zeros(shape), torch.ones(shape)).shape == shape


def test_carries_no_gradient_and_leaves_its_inputs_alone():
    log_ratio, advantages = random_tokens()
    before = log_ratio.clone()
    assert not weight(log_ratio.requires_grad_(), advantages.requires_grad_()).requires_grad
    assert torch.equal(log_ratio.detach(), before)


def test_is_never_negative():
    assert (weight(*random_tokens()) >= 0).all()


# Boundaries


@pytest.mark.parametrize("advantage", [-1.3, 1.3])
@pytest.mark.parametrize(("low", "high"), WIDTHS)
@pytest.mark.parametrize(("n", "m"), [(1, 2), (3, 5)])
def test_is_continuous_at_both_boundaries(n, m, low, high, advantage):
    """Exactly at a boundary and one ulp to each side of it, the weight is the boundary's ratio."""
    for edge in (1 - low, 1 + high):
        middle = math.log(edge)
        for log_ratio in (math.nextafter(middle, -math.inf), middle, math.nextafter(middle, math.inf)):
            assert at(log_ratio, advantage, low=low, high=high, n=n, m=m) == pytest.approx(edge, rel=1e-14)


@pytest.mark.parametrize(("low", "high"), WIDTHS)
def test_decay_starts_at_its_own_boundary_and_only_for_its_own_sign(low, high):
    left, right, step = math.log(1 - low), math.log(1 + high), 1e-3
    widths = {"low": low, "high": high}
    # Inside both boundaries, and beyond them with the other sign, the weight is the ratio itself.
    for advantage, log_ratio in [(-1, left + step), (1, right - step), (1, left - step), (-1, right + step)]:
        assert at(log_ratio, advantage, **widths) == pytest.approx(math.exp(log_ratio), rel=1e-12)
    # A step beyond costs a factor exp(-n * step) on the left and exp(-step / m) on the right.
    assert at(left - step, -1, n=3, **widths) == pytest.approx(math.exp(left - step - 3 * step), rel=1e-12)
    assert at(right + step, 1, m=4, **widths) == pytest.approx(math.exp(right + step - step / 4), rel=1e-12)


# The papers' forms and limits


@pytest.mark.parametrize(("n", "m"), POWERS)
@pytest.mark.parametrize(("low", "high"), WIDTHS)
def test_probability_gradient_weights_of_the_paper(n, m, low, high):
    """On A * grad(pi) the weight is C_left * pi^n on the left and C_right * pi^(-1/m) on the right."""
    settings = {"low": low, "high": high, "n": n, "m": m}
    for old in (0.05, 0.4, 0.9):
        pi = old * (1 - low) * 0.6
        c_left = (1 - low) ** -n * old ** -(n + 1)
        assert at(math.log(pi / old), -1.0, **settings) / pi == pytest.approx(c_left * pi**n, rel=1e-9)
        pi = old * (1 + high) * 1.7
        c_right = (1 + high) ** (1 / m) * old ** (1 / m - 1)
        assert at(math.log(pi / old), 1.0, **settings) / pi == pytest.approx(c_right * pi ** (-1 / m), rel=1e-9)


def test_large_n_is_a_hard_clip_on_the_left():
    log_ratio = torch.tensor([-3.0, -1.0, math.log(0.79), math.log(0.81), 0.0, 3.0], dtype=torch.float64)
    w = weight(log_ratio, -torch.ones_like(log_ratio), n=10_000)
    assert (w[:3] < 1e-50).all()
    torch.testing.assert_close(w[3:], log_ratio[3:].exp(), rtol=1e-12, atol=0)


def test_m_of_one_is_a_constant_on_the_right():
    log_ratio = torch.linspace(math.log(1.31), 5.0, 20, dtype=torch.float64)
    w = weight(log_ratio, torch.ones_like(log_ratio), high=0.3, m=1)
    torch.testing.assert_close(w, torch.full_like(w, 1.3), rtol=1e-12, atol=0)


def test_large_m_does_not_decay_on_the_right():
    log_ratio = torch.linspace(-3.0, 5.0, 40, dtype=torch.float64)
    w = weight(log_ratio, torch.ones_like(log_ratio), m=10**12)
    torch.testing.assert_close(w, log_ratio.exp(), rtol=1e-9, atol=0)


def test_each_exponent_acts_on_its_own_side_only():
    log_ratio, advantages = random_tokens()
    left = (log_ratio < math.log(0.8)) & (advantages < 0)
    right = (log_ratio > math.log(1.2)) & (advantages > 0)
    base = weight(log_ratio, advantages, n=1, m=1)
    assert torch.equal(weight(log_ratio, advantages, n=2, m=1) != base, left)
    assert torch.equal(weight(log_ratio, advantages, n=1, m=2) != base, right)


@pytest.mark.parametrize("advantage", [0.0, 0.7, -0.7])
def test_the_size_of_the_advantage_does_not_matter(advantage):
    log_ratio, _ = random_tokens()
    one = weight(log_ratio, torch.full_like(log_ratio, advantage))
    np.testing.assert_allclose(one.numpy(), expected(log_ratio, torch.full_like(log_ratio, advantage)), rtol=1e-9)
    assert torch.equal(one, weight(log_ratio, torch.full_like(log_ratio, 1e-6 * advantage)))
    assert torch.equal(one, weight(log_ratio, torch.full_like(log_ratio, 1e6 * advantage)))


# Extremes


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-9), (torch.float32, 2e-5), (torch.bfloat16, 2e-5)])
@pytest.mark.parametrize(("n", "m"), [(1, 2), (50, 50)])
@pytest.mark.parametrize("advantage", [-1.0, 0.0, 1.0])
def test_finite_at_extreme_ratios(advantage, n, m, dtype, rtol):
    """Beyond +-20 the weight is that of the clamped log-ratio, as in verl's own losses."""
    log_ratio = torch.tensor([-1e4, -60.0, -20.0, 20.0, 60.0, 1e4], dtype=dtype)
    advantages = torch.full_like(log_ratio, advantage)
    w = weight(log_ratio, advantages, n=n, m=m)
    assert torch.isfinite(w).all()
    np.testing.assert_allclose(w.double().numpy(), expected(log_ratio, advantages, n=n, m=m), rtol=rtol, atol=1e-37)
