"""Where one method becomes another, and what single values of their weights must be."""

import math

import numpy as np
import pytest
import torch

from dgpo import gradient_weight as dgpo
from losses.baselines import (
    aspo,
    cispo,
    clip_higher,
    dac,
    dppo_kl,
    dppo_tv,
    drpo,
    entropy_adv,
    gmpo,
    gppo,
    grpo,
    gspo,
    respo,
    sapo,
    topr,
    vespo,
)
from losses.baselines.ce_gppo import gradient_weight as ce_gppo

WIDTHS = {"clip_ratio_low": 0.1, "clip_ratio_high": 0.3}


def tokens(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-ratios and advantages of single tokens, on all sides."""
    rng = np.random.default_rng(seed)
    log_ratio = rng.uniform(-2, 2, size=400)
    advantages = rng.choice([-1.7, -0.4, 0.0, 0.6, 2.1], size=400)
    return torch.from_numpy(log_ratio), torch.from_numpy(advantages)


def same(one: torch.Tensor, other: torch.Tensor, rtol: float = 1e-12) -> None:
    torch.testing.assert_close(one, other, rtol=rtol, atol=0)


def test_ce_gppo_with_beta_0_is_grpo_and_with_beta_1_is_gppo():
    none = ce_gppo(*tokens(), ce_gppo_beta1=0.0, ce_gppo_beta2=0.0, **WIDTHS)
    full = ce_gppo(*tokens(), ce_gppo_beta1=1.0, ce_gppo_beta2=1.0, **WIDTHS)
    same(none, grpo.gradient_weight(*tokens(), **WIDTHS))
    same(full, gppo.gradient_weight(*tokens(), **WIDTHS))
    assert not torch.equal(none, full)


@pytest.mark.parametrize(("changed", "sign"), [("ce_gppo_beta1", -1), ("ce_gppo_beta2", 1)])
def test_each_beta_of_ce_gppo_scales_its_own_side_only(changed, sign):
    log_ratio, advantages = tokens()
    one, half = (ce_gppo(log_ratio, advantages, **(WIDTHS | {changed: beta})) for beta in (1.0, 0.5))
    ratio = log_ratio.exp()
    outside = (advantages > 0) & (ratio > 1.3) if sign > 0 else (advantages < 0) & (ratio < 0.9)
    same(half, torch.where(outside, one / 2, one))
    assert outside.any()


def test_gppo_is_continuous_where_grpo_jumps():
    for advantage, edge in ((1.0, 1.3), (-1.0, 0.9)):
        log_ratio = torch.tensor([math.log(edge) - 1e-9, math.log(edge) + 1e-9], dtype=torch.float64)
        advantages = torch.full_like(log_ratio, advantage)
        assert gppo.gradient_weight(log_ratio, advantages, **WIDTHS).tolist() == pytest.approx([edge, edge], rel=1e-8)
        jump = grpo.gradient_weight(log_ratio, advantages, **WIDTHS).diff().abs().item()
        assert jump == pytest.approx(edge, rel=1e-8)


def test_dgpo_right_of_the_trust_region_with_m_1_is_gppo():
    log_ratio, advantages = tokens()
    right = log_ratio.exp() > 1.3
    assert (right & (advantages > 0)).any()
    same(
        dgpo(log_ratio, advantages, dgpo_n=1, dgpo_m=1, **WIDTHS)[right],
        gppo.gradient_weight(log_ratio, advantages, **WIDTHS)[right],
    )


def test_dgpo_left_of_the_trust_region_approaches_grpo_for_large_n():
    """1% below the boundary (r / 0.9)^n is 0.99^n: 4e-5 of the boundary's weight at n = 1000."""
    log_ratio, advantages = tokens()
    ratio = log_ratio.exp()
    left = ((ratio < 0.9 * 0.99) & (advantages < 0)) | ((ratio > 0.9) & (ratio < 1.3))
    clipped = grpo.gradient_weight(log_ratio, advantages, **WIDTHS)[left]
    for n, atol in ((1000, 5e-5), (3000, 1e-13)):
        found = dgpo(log_ratio, advantages, dgpo_n=n, dgpo_m=1, **WIDTHS)[left]
        torch.testing.assert_close(found, clipped, rtol=1e-12, atol=atol)
    assert (dgpo(log_ratio, advantages, dgpo_n=1, dgpo_m=1, **WIDTHS)[left] - clipped).max() > 0.3


def test_dac_at_q_1_is_a_hard_clip_at_its_bounds():
    """L = 1/2 + sqrt(1 - 0.64)/2 = 0.8 and U = 1/2 + sqrt(1.8)/2."""
    log_ratio, advantages = tokens()
    upper = 0.5 + math.sqrt(1.8) / 2
    for q, rtol in ((1.0, 1e-12), (1 - 1e-9, 1e-12)):
        old = torch.full_like(log_ratio, math.log(q))
        found = dac.gradient_weight(log_ratio, old, advantages)
        same(found, grpo.gradient_weight(log_ratio, advantages, clip_ratio_low=0.2, clip_ratio_high=upper - 1), rtol)


@pytest.mark.parametrize("q", [1.0, 0.7, 0.1, 1e-3])
def test_dac_is_the_ratio_inside_and_wider_for_rarer_tokens(q):
    log_ratio, advantages = tokens()
    ratio = log_ratio.exp()
    found = dac.gradient_weight(log_ratio, torch.full_like(log_ratio, math.log(q)), advantages)
    inner = (ratio > 0.8) & (ratio < 1.17)  # within the bounds of every q
    same(found[inner], ratio[inner])
    rarer = dac.gradient_weight(log_ratio, torch.full_like(log_ratio, math.log(q / 3)), advantages)
    assert ((found > 0) <= (rarer > 0)).all(), "no token that was inside falls outside"


def test_sapo_is_1_at_ratio_1_and_falls_off_on_both_sides():
    at = torch.zeros(3, dtype=torch.float64)
    advantages = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    for tau in ({}, {"tau_pos": 0.3, "tau_neg": 7.0}):
        assert sapo.gradient_weight(at, advantages, **tau).tolist() == pytest.approx([1, 1, 1], rel=1e-15)
    far = torch.tensor([-3.0, 3.0], dtype=torch.float64)
    assert (sapo.gradient_weight(far, torch.ones_like(far)) < 0.05).all()


def test_sapo_with_small_tau_is_the_plain_policy_gradient():
    log_ratio, advantages = tokens()
    same(sapo.gradient_weight(log_ratio, advantages, tau_pos=1e-6, tau_neg=1e-6), log_ratio.exp(), rtol=1e-9)


def test_cispo_never_drops_a_token_unless_masked():
    log_ratio, advantages = tokens()
    two_sided = cispo.gradient_weight(log_ratio, advantages, **WIDTHS)
    assert two_sided.min().item() == pytest.approx(0.9, rel=1e-15)
    assert two_sided.max().item() == pytest.approx(1.3, rel=1e-15)
    same(two_sided, cispo.gradient_weight(log_ratio, -advantages, **WIDTHS))


def test_cispo_one_sided_keeps_the_ratio_below():
    """As ScaleRL's min(r, eps_max) with eps_max = 5."""
    log_ratio, advantages = tokens()
    found = cispo.gradient_weight(log_ratio, advantages, clip_ratio_low=None, clip_ratio_high=4.0)
    same(found, torch.minimum(log_ratio.exp(), torch.tensor(5.0, dtype=torch.float64)))


def test_cispo_masked_like_ppo_is_grpo():
    same(
        cispo.gradient_weight(*tokens(), **WIDTHS, cispo_mask_low=0.1, cispo_mask_high=0.3)[masked_like_ppo()],
        grpo.gradient_weight(*tokens(), **WIDTHS)[masked_like_ppo()],
    )


def masked_like_ppo() -> torch.Tensor:
    """Where CISPO's clip and PPO's agree on which side counts: everywhere but on the side the mask leaves open."""
    log_ratio, advantages = tokens()
    ratio = log_ratio.exp()
    return ((advantages > 0) & (ratio > 0.9)) | ((advantages < 0) & (ratio < 1.3))


def test_aspo_turns_the_ratio_of_positive_tokens_upside_down_and_caps_it():
    log_ratio = torch.log(torch.tensor([0.1, 0.5, 0.8, 1.0, 1.29], dtype=torch.float64))
    settings = WIDTHS | {"clip_ratio_c": 3.0}
    positive = aspo.gradient_weight(log_ratio, torch.ones_like(log_ratio), **settings)
    assert positive.tolist() == pytest.approx([3.0, 2.0, 1.25, 1.0, 1 / 1.29], rel=1e-12)
    log_ratio = torch.log(torch.tensor([0.5, 0.91, 1.0, 2.0, 8.0], dtype=torch.float64))
    negative = aspo.gradient_weight(log_ratio, -torch.ones_like(log_ratio), **settings)
    assert negative.tolist() == pytest.approx([0.0, 0.91, 1.0, 2.0, 3.0], rel=1e-12)


@pytest.mark.parametrize("change", [{"entropy_adv_alpha": 0.0}, {"entropy_adv_kappa": 1e18}])
def test_entropy_adv_without_a_bonus_is_clip_higher(change):
    log_ratio, advantages = tokens()
    entropy = torch.linspace(0, 3, len(advantages), dtype=torch.float64)
    plain = clip_higher.gradient_weight(log_ratio, advantages, **WIDTHS)
    same(entropy_adv.gradient_weight(log_ratio, advantages, entropy, **WIDTHS, **change), plain)
    assert not torch.equal(entropy_adv.gradient_weight(log_ratio, advantages, entropy, **WIDTHS), plain)


def test_entropy_adv_at_zero_entropy_is_clip_higher():
    log_ratio, advantages = tokens()
    found = entropy_adv.gradient_weight(log_ratio, advantages, torch.zeros_like(advantages), **WIDTHS)
    same(found, clip_higher.gradient_weight(log_ratio, advantages, **WIDTHS))


@pytest.mark.parametrize(
    ("advantage", "entropy", "factor"),
    [
        (1.0, 0.5, 1.2),  # 1 + 0.4 * 0.5
        (1.0, 5.0, 1.5),  # capped at |A| / 2
        (-1.0, 0.5, 0.8),  # the bonus raises a negative advantage
        (-1.0, 5.0, 0.5),
        (0.0, 5.0, 1.0),
        (1e-30, 5.0, 1.5),
    ],
)
def test_entropy_adv_factor(advantage, entropy, factor):
    found = entropy_adv.advantage_factor(*torch.tensor([[advantage], [entropy]], dtype=torch.float64))
    assert found.item() == pytest.approx(factor, rel=1e-12)


def sequences() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The same tokens as responses of length 1."""
    log_ratio, advantages = (column[:, None] for column in tokens())
    return log_ratio, advantages, torch.ones_like(log_ratio, dtype=torch.bool)


def test_gspo_on_responses_of_one_token_is_grpo():
    found = gspo.gradient_weight(*sequences(), **WIDTHS)
    same(found[:, 0], grpo.gradient_weight(*tokens(), **WIDTHS))


def test_gspo_takes_the_geometric_mean_and_ignores_padding():
    log_ratio = torch.log(torch.tensor([[2.0, 0.5, 1.728, 100.0]], dtype=torch.float64))
    mask = torch.tensor([[1, 1, 1, 0]])
    found = gspo.gradient_weight(log_ratio, -torch.ones_like(log_ratio), mask, clip_ratio_high=10.0)
    assert found[0, :3].tolist() == pytest.approx([1.2] * 3, rel=1e-12)


def test_gmpo_on_responses_of_one_token_is_grpo_with_bounds_of_the_logarithm():
    found = gmpo.gradient_weight(*sequences(), clip_ratio_low=0.4, clip_ratio_high=0.4)
    widths = {"clip_ratio_low": 1 - math.exp(-0.4), "clip_ratio_high": math.exp(0.4) - 1}
    same(found[:, 0], grpo.gradient_weight(*tokens(), **widths))


def test_gmpo_clipped_tokens_still_count_in_the_mean_of_the_others():
    log_ratio = torch.tensor([[0.9, -0.1]], dtype=torch.float64)
    mask = torch.ones(1, 2)
    found = gmpo.gradient_weight(log_ratio, torch.ones_like(log_ratio), mask)
    assert found.flatten().tolist() == pytest.approx([0.0, math.exp((0.4 - 0.1) / 2)], rel=1e-12)


def test_topr_is_1_on_good_responses_and_the_truncated_product_on_bad_ones():
    log_ratio = torch.log(torch.tensor([[0.5, 0.8, 7.0], [0.5, 4.0, 7.0]], dtype=torch.float64))
    mask = torch.tensor([[1, 1, 0], [1, 1, 0]])
    good = topr.gradient_weight(log_ratio, torch.ones_like(log_ratio), mask)
    assert (good == 1).all()
    zero = topr.gradient_weight(log_ratio, torch.zeros_like(log_ratio), mask)
    assert (zero == 1).all()
    bad = topr.gradient_weight(log_ratio, -torch.ones_like(log_ratio), mask)
    assert bad[:, 0].tolist() == pytest.approx([0.4, 1.0], rel=1e-12)
    mean = topr.gradient_weight(log_ratio, -torch.ones_like(log_ratio), mask, topr_ratio="geometric_mean")
    assert mean[:, 0].tolist() == pytest.approx([math.sqrt(0.4), 1.0], rel=1e-12)


def ratios_of_responses(*products: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-ratios of responses of two tokens whose ratios multiply to these, with garbage behind them, and the mask."""
    product = torch.tensor(products, dtype=torch.float64)[:, None]
    log_ratio = torch.log(torch.cat([product * 4, torch.full_like(product, 0.25), torch.full_like(product, 7.0)], 1))
    return log_ratio, torch.tensor([[1, 1, 0]] * len(products))


@pytest.mark.parametrize(("advantage", "k", "rate"), [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0), (-1.0, 3.0, 2.0)])
def test_vespo_peaks_at_k_over_lambda_and_is_1_where_nothing_changed(advantage, k, rate):
    log_ratio, mask = ratios_of_responses(1.0, k / rate, k / rate * 1.001, k / rate * 0.999)
    found = vespo.gradient_weight(log_ratio, torch.full_like(log_ratio, advantage), mask)[:, 0]
    assert found[0].item() == pytest.approx(1.0, rel=1e-12)
    assert found[1].item() == pytest.approx((k / rate) ** k * math.exp(rate - k), rel=1e-12)
    assert (found[2:] < found[1]).all()


def test_vespo_with_k_1_and_no_decay_is_the_ratio_of_the_response():
    """As TOPR on bad responses below 1, and TOPR's weight of 1 on good ones with k = 0 instead."""
    log_ratio, mask = ratios_of_responses(0.1, 0.5, 0.9)
    minus, nothing = -torch.ones_like(log_ratio), 1e-12
    found = vespo.gradient_weight(log_ratio, minus, mask, vespo_k_neg=1.0, vespo_lambda_neg=nothing)
    same(found, topr.gradient_weight(log_ratio, minus, mask), rtol=1e-11)
    found = vespo.gradient_weight(log_ratio, -minus, mask, vespo_k_pos=nothing, vespo_lambda_pos=nothing)
    same(found, topr.gradient_weight(log_ratio, -minus, mask), rtol=1e-10)


def test_respo_on_bad_responses_is_vespos_kernel_of_the_root_of_the_ratio():
    log_ratio, mask = ratios_of_responses(0.01, 0.5, 1.0, 3.0, 40.0)
    minus = -torch.ones_like(log_ratio)
    kernel = vespo.gradient_weight(log_ratio / 2, minus, mask, vespo_k_neg=1.0, vespo_lambda_neg=2.0)
    same(respo.gradient_weight(log_ratio, minus, mask), kernel)


def test_respo_on_good_responses_is_half_the_sum_of_two_of_vespos_kernels_and_keeps_what_became_unlikely():
    log_ratio, mask = ratios_of_responses(1e-7, 0.01, 1.0, 3.0, 40.0)
    plus = torch.ones_like(log_ratio)
    found = respo.gradient_weight(log_ratio, plus, mask)
    flat, linear = (
        vespo.gradient_weight(log_ratio, plus, mask, vespo_k_pos=k, vespo_lambda_pos=1.0) for k in (0.0, 1.0)
    )
    same(found, (flat + linear) / 2)
    assert found[0, 0].item() == pytest.approx(math.e / 2, rel=1e-6)
    assert (found[:, 0].diff() < 0).all()


def test_dppo_measures_probability_not_ratio():
    """A rare token may double its probability; a likely one may not rise by a fifth of it."""
    old = torch.log(torch.tensor([0.01, 0.8], dtype=torch.float64))
    log_ratio = torch.log(torch.tensor([2.0, 1.2], dtype=torch.float64))
    found = dppo_tv.gradient_weight(log_ratio, old, torch.ones_like(old))
    assert found.tolist() == pytest.approx([2.0, 0.0], rel=1e-12)


def test_dppo_without_divergence_bound_is_truncated_importance_sampling():
    log_ratio, advantages = tokens()
    old = torch.full_like(log_ratio, math.log(0.1))
    found = dppo_tv.gradient_weight(
        log_ratio, old, advantages, clip_ratio_low=1.0, clip_ratio_high=1.0, clip_ratio_c=3.0
    )
    same(found, log_ratio.exp().clamp(max=3.0))


def test_dppo_kl_of_a_token_that_was_certain_allows_little_and_of_a_rare_one_much():
    """0.99 log(0.99/0.9) + 0.01 log(0.01/0.1) = 0.0713, and 0.0039 where a token of 0.02 halves."""
    old = torch.log(torch.tensor([0.99, 0.02], dtype=torch.float64))
    new = torch.log(torch.tensor([0.9, 0.01], dtype=torch.float64))
    divergence = dppo_kl.binary_kl(old, new)
    assert divergence.tolist() == pytest.approx([0.071331, 0.003914], abs=1e-6)
    found = dppo_kl.gradient_weight(new - old, old, -torch.ones_like(old))
    assert found.tolist() == pytest.approx([0.0, 0.5], rel=1e-12)
    assert (dppo_kl.gradient_weight(new - old, old, torch.ones_like(old)) > 0).all(), "towards mu nothing is dropped"


def test_dppo_kl_of_a_token_that_became_certain_is_finite():
    """π_θ = 1 leaves nothing to the others; verl's floor of 1e-8 stands for it."""
    old = torch.tensor([1 - 1e-4, 0.9], dtype=torch.float64).log()
    divergence = dppo_kl.binary_kl(old, torch.zeros_like(old))
    likely = 1e-4 * math.log((1e-4 + 1e-8) / 1e-8) + (1 - 1e-4) * math.log(1 - 1e-4)
    assert divergence.tolist() == pytest.approx([likely, 0.1 * math.log(0.1 / 1e-8) + 0.9 * math.log(0.9)], rel=1e-6)
    found = dppo_kl.gradient_weight(-old, old, torch.ones_like(old))
    assert found.tolist() == pytest.approx([1 / (1 - 1e-4), 0.0], rel=1e-9)


def test_dppo_kl_is_about_twice_the_square_of_tv_for_likely_tokens():
    """For small moves KL = (p - q)^2 / (2 q (1 - q)): at q = 1/2 a bound of 2 d^2 on KL is one of d on TV."""
    log_ratio, advantages = tokens()
    log_ratio = log_ratio / 20  # ratios within 0.9 and 1.1
    old = torch.full_like(log_ratio, math.log(0.5))
    kl = dppo_kl.gradient_weight(log_ratio, old, advantages, clip_ratio_low=2 * 0.02**2, clip_ratio_high=2 * 0.02**2)
    tv = dppo_tv.gradient_weight(log_ratio, old, advantages, clip_ratio_low=0.02, clip_ratio_high=0.02)
    assert (tv == 0).any()
    assert ((kl == 0) == (tv == 0)).double().mean() > 0.99
    both = (kl > 0) & (tv > 0)
    same(kl[both], tv[both])


def test_drpo_with_a_wide_bound_is_importance_sampling():
    log_ratio, advantages = tokens()
    old = torch.full_like(log_ratio, math.log(0.1))
    same(drpo.gradient_weight(log_ratio, old, advantages, drpo_delta=1e12), log_ratio.exp())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_drpo_is_zero_where_dppo_tv_jumps_and_turns_back_what_lies_beyond(sign):
    """q = 1/2 and delta = 0.15: p = 0.65 or 0.35."""
    moved = torch.tensor([0.0, 0.075, 0.15, 0.3, -0.15], dtype=torch.float64) * sign
    old = torch.full_like(moved, math.log(0.5))
    log_ratio = torch.log(0.5 + moved) - old
    found = drpo.gradient_weight(log_ratio, old, torch.full_like(old, sign))
    assert (found / log_ratio.exp()).tolist() == pytest.approx([1.0, 0.5, 0.0, -1.0, 2.0], abs=1e-12)
    stopped = drpo.gradient_weight(log_ratio, old, torch.full_like(old, sign), drpo_corrective=False)
    same(stopped, found.clamp(min=0.0))
    masked = dppo_tv.gradient_weight(log_ratio, old, torch.full_like(old, sign))
    assert masked[3].item() == 0 < masked[1].item()


def test_drpo_is_minus_the_derivative_of_its_penalised_loss():
    log_ratio, advantages = tokens()
    old = torch.linspace(-4, -0.01, len(log_ratio), dtype=torch.float64)
    leaf = log_ratio.clone().requires_grad_()
    q, r = old.exp(), leaf.exp()
    (-advantages * r + advantages.abs() * q * (r - 1) ** 2 / (2 * 0.15)).sum().backward()
    torch.testing.assert_close(
        drpo.gradient_weight(log_ratio, old, advantages) * advantages, -leaf.grad, rtol=1e-10, atol=1e-12
    )


def test_the_bound_of_drpos_weight():
    """|w| <= r (1 + 1 / delta) for probabilities."""
    old = torch.linspace(-8, -0.01, 200, dtype=torch.float64)[:, None]
    new = torch.linspace(-8, -0.01, 200, dtype=torch.float64)[None, :]
    log_ratio = new - old
    for sign in (1.0, -1.0):
        found = drpo.gradient_weight(log_ratio, old.expand_as(log_ratio), torch.full_like(log_ratio, sign))
        assert (found.abs() <= log_ratio.exp() * (1 + 1 / 0.15)).all()
        assert (found < 0).any()
