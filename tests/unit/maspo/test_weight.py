"""MASPO's gate, width and gradient weight against closed forms of arXiv 2602.17550, written here in float64.

mass  = clamp(sigma_base / pi_old^alpha, sigma_base, sigma_high)
risk  = clamp(1 + beta_pos * A, ...) for A > 0,   clamp(1 / (1 - beta_neg * A), ...) for A < 0
F     = exp(-(r - 1)^2 / (2 sigma^2)) for (A > 0 and r > 1) or (A < 0 and r < 1), else 1;  bilateral: everywhere
w     = r * F,   sigma = mass * risk
"""

import math

import numpy as np
import pytest
import torch

from maspo import gate, gradient_weight, sigma

DEFAULTS = {
    "maspo_sigma_base": 1.0,
    "maspo_alpha": 0.3,
    "maspo_beta_pos": 0.03,
    "maspo_beta_neg": 0.03,
    "maspo_sigma_high": 10.0,
    "maspo_risk_low": 0.1,
    "maspo_risk_high": 10.0,
}
SETTINGS = [
    {},
    {"maspo_alpha": 0.5},
    {"maspo_sigma_base": 0.4, "maspo_sigma_high": 3.0},
    {"maspo_beta_pos": 0.3, "maspo_beta_neg": 0.05},
    {"maspo_beta_pos": 0.05, "maspo_beta_neg": 0.3},
    {"maspo_beta_pos": 30.0, "maspo_beta_neg": 30.0, "maspo_risk_low": 0.3, "maspo_risk_high": 4.0},
]
WITH_GATES = [*SETTINGS, {"maspo_gate": "unilateral"}, {"maspo_gate": "bilateral"}]
WITH_GATES += [{"maspo_gate": "bilateral", "maspo_beta_pos": 0.3, "maspo_beta_neg": 0.05, "maspo_sigma_base": 0.4}]
PRECISIONS = [(torch.float64, 1e-9), (torch.float32, 2e-5), (torch.bfloat16, 2e-5)]


def closed_sigma(old_log_prob, advantage, **changes):
    p = DEFAULTS | changes
    mass = p["maspo_sigma_base"] / math.exp(old_log_prob) ** p["maspo_alpha"]
    mass = min(max(mass, p["maspo_sigma_base"]), p["maspo_sigma_high"])
    risk = 1.0
    if advantage > 0:
        risk = 1 + p["maspo_beta_pos"] * advantage
    elif advantage < 0:
        risk = 1 / (1 - p["maspo_beta_neg"] * advantage)
    return mass * min(max(risk, p["maspo_risk_low"]), p["maspo_risk_high"])


def closed_gate(log_ratio, old_log_prob, advantage, maspo_gate="unilateral", **changes):
    r = math.exp(min(max(log_ratio, -20.0), 20.0))
    if maspo_gate == "bilateral" or (advantage > 0 and r > 1) or (advantage < 0 and r < 1):
        return math.exp(-(((r - 1) / closed_sigma(old_log_prob, advantage, **changes)) ** 2) / 2)
    return 1.0


def closed_weight(log_ratio, old_log_prob, advantage, **changes):
    return math.exp(min(max(log_ratio, -20.0), 20.0)) * closed_gate(log_ratio, old_log_prob, advantage, **changes)


def expected(formula, *tensors: torch.Tensor, **changes) -> np.ndarray:
    columns = [t.double().flatten().tolist() for t in tensors]
    return np.array([formula(*token, **changes) for token in zip(*columns, strict=True)]).reshape(tensors[0].shape)


def random_tokens(dtype=torch.float64, seed=0):
    """Both sides of r = 1, every sign of the advantage, old probabilities from 1e-4 to nearly 1."""
    rng = np.random.default_rng(seed)
    log_ratio = torch.from_numpy(rng.uniform(-1.5, 1.5, size=(12, 50))).to(dtype)
    old_log_prob = torch.from_numpy(rng.uniform(math.log(1e-4), -1e-3, size=(12, 50))).to(dtype)
    advantages = torch.from_numpy(rng.choice([-2.3, -0.4, 0.0, 0.6, 2.1], size=(12, 50))).to(dtype)
    return log_ratio, old_log_prob, advantages


def single(formula, *values: float, **changes) -> float:
    return formula(*torch.tensor(values, dtype=torch.float64).unsqueeze(-1), **changes).item()


@pytest.mark.parametrize("changes", SETTINGS, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
def test_sigma_equals_the_closed_form(dtype, rtol, changes):
    _, old_log_prob, advantages = random_tokens(dtype)
    np.testing.assert_allclose(
        sigma(old_log_prob, advantages, **changes).double().numpy(),
        expected(closed_sigma, old_log_prob, advantages, **changes),
        rtol=rtol,
    )


@pytest.mark.parametrize("changes", WITH_GATES, ids=str)
@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
@pytest.mark.parametrize(("ours", "formula"), [(gate, closed_gate), (gradient_weight, closed_weight)])
def test_gate_and_weight_equal_the_closed_form_in_every_branch(ours, formula, dtype, rtol, changes):
    tokens = random_tokens(dtype)
    log_ratio, _, advantages = tokens
    for side in (log_ratio < 0, log_ratio > 0):
        for sign in (advantages < 0, advantages > 0, advantages == 0):
            assert (side & sign).any(), "a branch has no token"
    np.testing.assert_allclose(
        ours(*tokens, **changes).double().numpy(), expected(formula, *tokens, **changes), rtol=rtol, atol=1e-37
    )


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_the_papers(name):
    tokens = random_tokens()
    assert torch.equal(gradient_weight(*tokens), gradient_weight(*tokens, **{name: DEFAULTS[name]}))


@pytest.mark.parametrize(
    ("given", "returned"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_computes_in_float32_or_better(given, returned):
    log_ratio, old_log_prob, advantages = random_tokens(given)
    assert sigma(old_log_prob, advantages).dtype == returned
    assert gate(log_ratio, old_log_prob, advantages).dtype == returned
    assert gradient_weight(log_ratio, old_log_prob, advantages).dtype == returned


@pytest.mark.parametrize("shape", [(), (0, 5), (3,), (2, 3)])
def test_keeps_the_shape(shape):
    x = torch.zeros(shape)
    assert gradient_weight(x, x, x).shape == gate(x, x, x).shape == sigma(x, x).shape == shape


@pytest.mark.parametrize("ours", [gate, gradient_weight])
def test_carries_no_gradient(ours):
    tokens = [t.requires_grad_() for t in random_tokens()]
    assert not ours(*tokens).requires_grad


# The width


def test_mass_term_is_clamped_to_base_and_high():
    rare, certain, beyond_certain = -80.0, 0.0, 0.01  # log-probabilities slightly above 0 do occur in low precision
    assert single(sigma, rare, 0.0) == pytest.approx(10.0, rel=1e-12)
    assert single(sigma, rare, 0.0, maspo_sigma_high=4.0) == pytest.approx(4.0, rel=1e-12)
    assert single(sigma, certain, 0.0, maspo_sigma_base=0.7) == pytest.approx(0.7, rel=1e-12)
    assert single(sigma, beyond_certain, 0.0, maspo_sigma_base=0.7) == pytest.approx(0.7, rel=1e-12)


@pytest.mark.parametrize("old_prob", [0.001, 0.1, 0.5, 1.0])
def test_mass_term_is_a_power_of_the_old_probability(old_prob):
    width = single(sigma, math.log(old_prob), 0.0, maspo_alpha=0.4, maspo_sigma_base=0.5, maspo_sigma_high=1e6)
    assert width == pytest.approx(0.5 * old_prob**-0.4, rel=1e-12)


def test_alpha_zero_ignores_the_old_probability():
    assert single(sigma, -9.0, 0.0, maspo_alpha=0.0) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("advantage", "changes", "risk"),
    [
        (2.0, {}, 1.06),
        (-2.0, {}, 1 / 1.06),
        (2.0, {"maspo_beta_pos": 50.0}, 10.0),
        (-2.0, {"maspo_beta_neg": 50.0}, 0.1),
        (2.0, {"maspo_beta_pos": 50.0, "maspo_risk_high": 3.0}, 3.0),
        (-2.0, {"maspo_beta_neg": 50.0, "maspo_risk_low": 0.5}, 0.5),
        (2.0, {"maspo_beta_pos": 0.0, "maspo_beta_neg": 7.0}, 1.0),
        (-2.0, {"maspo_beta_neg": 0.0, "maspo_beta_pos": 7.0}, 1.0),
        (0.0, {"maspo_beta_pos": 7.0, "maspo_beta_neg": 7.0}, 1.0),
    ],
)
def test_risk_factor_widens_for_successes_and_narrows_for_failures(advantage, changes, risk):
    assert single(sigma, 0.0, advantage, **changes) == pytest.approx(risk, rel=1e-12)


# The gate


@pytest.mark.parametrize("advantage", [-1.3, 0.0, 1.3])
@pytest.mark.parametrize("log_ratio", [math.nextafter(0.0, -1.0), -1e-16, 0.0, 1e-16, math.nextafter(0.0, 1.0)])
@pytest.mark.parametrize("width", [1e-12, 1.0, 1e12])
def test_is_continuous_at_ratio_one(width, log_ratio, advantage):
    changes = {"maspo_sigma_base": width, "maspo_sigma_high": max(width, 10.0)}
    assert single(gradient_weight, log_ratio, math.log(0.5), advantage, **changes) == pytest.approx(1.0, abs=1e-7)
    assert single(gate, log_ratio, math.log(0.5), advantage, **changes) == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("advantage", [-1.0, 1.0])
def test_is_exactly_open_one_ulp_on_the_other_side(dtype, advantage):
    """The gate is one-sided: a step towards undoing the past update is never attenuated."""
    step = -math.copysign(torch.finfo(dtype).eps, advantage)
    tokens = [torch.tensor([v], dtype=dtype) for v in (step, -0.5, advantage)]
    assert gate(*tokens, maspo_sigma_base=1e-12, maspo_sigma_high=1e-12).item() == 1.0


def test_the_bilateral_gate_closes_on_the_way_back_too():
    """At r = 1/2, sigma = 1: exp(-1/8) for both signs, where the one-sided gate is open for successes."""
    back = (math.log(0.5), 0.0, 1.0), (math.log(0.5), 0.0, -1.0)
    unchanged = {"maspo_beta_pos": 0.0, "maspo_beta_neg": 0.0}
    both = [single(gate, *token, maspo_gate="bilateral", **unchanged) for token in back]
    assert both == pytest.approx([math.exp(-1 / 8)] * 2, rel=1e-12)
    assert [single(gate, *token, **unchanged) for token in back] == pytest.approx([1.0, math.exp(-1 / 8)], rel=1e-12)


def test_both_gates_agree_where_the_step_leaves_the_old_policy():
    tokens = random_tokens()
    leaves = tokens[0] * tokens[2] > 0
    one, both = (gate(*tokens, maspo_gate=name) for name in ("unilateral", "bilateral"))
    assert torch.equal(one[leaves], both[leaves])
    returns = tokens[0] * tokens[2] < 0
    assert (both[returns] < 1).all() and (one[returns] == 1).all()


def test_infinite_width_is_the_plain_policy_gradient():
    tokens = random_tokens()
    w = gradient_weight(*tokens, maspo_sigma_base=1e12, maspo_sigma_high=1e12)
    torch.testing.assert_close(w, tokens[0].exp(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1e-6, 1e-12, 1e-30])
def test_zero_width_removes_the_gated_side_and_only_that(width, dtype):
    tokens = random_tokens(dtype)
    log_ratio, _, advantages = tokens
    w = gradient_weight(*tokens, maspo_sigma_base=width, maspo_sigma_high=width)
    gated = log_ratio * advantages > 0
    assert (w[gated] == 0).all()
    torch.testing.assert_close(w[~gated], log_ratio[~gated].exp(), rtol=1e-6, atol=0)
    on_policy = gradient_weight(
        torch.zeros_like(log_ratio), *tokens[1:], maspo_sigma_base=width, maspo_sigma_high=width
    )
    assert (on_policy == 1).all()


def test_default_gate_stays_open_for_failures():
    """With the defaults and |A| <= 1 the gate of a negative token never falls below exp(-1.03^2 / 2) = 0.588."""
    log_ratio = torch.linspace(-20, 0, 50, dtype=torch.float64)
    closed = gate(log_ratio, torch.zeros_like(log_ratio), -torch.ones_like(log_ratio))
    assert closed.min().item() == pytest.approx(math.exp(-(1.03**2) / 2), rel=1e-6)


def test_rare_tokens_and_sure_successes_are_gated_less():
    def value(old_prob, advantage):
        return single(gate, 0.9, math.log(old_prob), advantage)

    assert value(0.001, 1.0) > value(0.1, 1.0) > value(0.9, 1.0)
    assert value(0.5, 3.0) > value(0.5, 1.0)


# Extremes


@pytest.mark.parametrize(("dtype", "rtol"), PRECISIONS)
@pytest.mark.parametrize("changes", [{}, {"maspo_gate": "bilateral"}], ids=str)
@pytest.mark.parametrize("advantage", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("old_prob", [1e-12, 1.0])
def test_finite_at_extreme_ratios_and_probabilities(old_prob, advantage, changes, dtype, rtol):
    """Beyond +-20 the weight is that of the clamped log-ratio, as in verl's own losses."""
    log_ratio = torch.tensor([-1e4, -60.0, -20.0, 20.0, 60.0, 1e4], dtype=dtype)
    tokens = (log_ratio, torch.full_like(log_ratio, math.log(old_prob)), torch.full_like(log_ratio, advantage))
    w = gradient_weight(*tokens, **changes)
    assert torch.isfinite(w).all()
    np.testing.assert_allclose(w.double().numpy(), expected(closed_weight, *tokens, **changes), rtol=rtol, atol=1e-37)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_overflowing_mass_term_is_capped(dtype):
    old_log_prob, advantages = torch.tensor([-1e4], dtype=dtype), torch.tensor([0.0], dtype=dtype)
    assert sigma(old_log_prob, advantages, maspo_alpha=0.9).item() == pytest.approx(10.0, rel=1e-6)
