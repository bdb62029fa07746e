"""M2PO's bound from interval sums against the exact one over single tokens, tests/support/m2po_by_hand.py."""

import math

import m2po_by_hand
import numpy as np
import pytest
import torch

from losses.baselines.m2po import EDGES, find_threshold, gradient_weight, interval_sums

BUDGETS = (1e-6, 0.01, 0.04, 0.1, 0.3, 0.6, 2.0)


def random_tokens(seed: int, scale: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Log-ratios, a few of them far out, and advantages of 24 responses of 12 tokens."""
    rng = np.random.default_rng(seed)
    log_ratio = rng.normal(0, scale, size=(24, 12)) * rng.choice([1.0, 5.0], p=[0.95, 0.05], size=(24, 12))
    return log_ratio, np.broadcast_to(rng.choice([-1.3, 0.0, 0.7], size=(24, 1)), (24, 12)).copy()


def found(log_ratio: np.ndarray, advantages: np.ndarray, budget: float, pieces: int = 1) -> tuple[float, float]:
    """Threshold and second moment from the sums of `pieces` micro-batches."""
    split = zip(np.split(log_ratio, pieces), np.split(advantages, pieces), strict=True)
    sums = sum(interval_sums(torch.from_numpy(x), torch.from_numpy(a)) for x, a in split)
    threshold, moment = find_threshold(sums, budget)
    return threshold.item(), moment.item()


def by_hand(log_ratio: np.ndarray, advantages: np.ndarray) -> list[m2po_by_hand.Token]:
    return list(zip(log_ratio.ravel().tolist(), advantages.ravel().tolist(), strict=True))


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_the_exact_one_rounded_down_however_the_mini_batch_is_cut(seed, budget):
    tokens = random_tokens(seed)
    exact, rounded = (f(by_hand(*tokens), budget) for f in (m2po_by_hand.exact_threshold, m2po_by_hand.threshold))
    for pieces in (1, 2, 4):
        threshold, moment = found(*tokens, budget, pieces)
        assert threshold == pytest.approx(rounded, rel=1e-12)
        assert threshold <= exact and (threshold == 20 or exact < max(threshold, 0.01) * 1.008)
        away = tokens[0][tokens[0] * tokens[1] > 0]
        assert moment == pytest.approx((away**2).mean(), rel=1e-12)
        assert (np.minimum(abs(away), threshold) ** 2).mean() <= budget * (1 + 1e-12)


def test_those_searches_end_at_both_ends_and_between():
    """Otherwise the test above would show little."""
    ends = {found(*random_tokens(seed), budget)[0] for seed in range(4) for budget in BUDGETS}
    assert {0.0, 20.0} < ends and len(ends) > 15


def test_tokens_that_come_back_or_have_no_advantage_do_not_count():
    log_ratio = np.array([[0.5, -3.0, 3.0, -2.0], [-0.5, 3.0, 0.0, 2.0]])
    advantages = np.array([[1.0, 1.0, 0.0, 1.0], [-1.0, -1.0, -1.0, -1.0]])
    assert found(log_ratio, advantages, 0.25)[1] == pytest.approx(0.25, rel=1e-12)
    assert found(log_ratio, advantages, 0.25)[0] == 20.0
    assert found(log_ratio, advantages, 0.16)[0] == pytest.approx(0.4, rel=0.008)


def test_nothing_to_count_means_no_clip():
    threshold, moment = found(np.zeros((2, 4)), np.ones((2, 4)), 0.04)
    assert (threshold, moment) == (20.0, 0.0)
    ratio = torch.tensor([-20.0, 20.0], dtype=torch.float64)
    w = gradient_weight(ratio, torch.tensor([-1.0, 1.0], dtype=torch.float64), threshold=threshold)
    assert w.tolist() == pytest.approx([math.exp(-20), math.exp(20)], rel=1e-12)


def test_the_edges_rise_to_the_bound_of_log_r_by_less_than_0_8_percent():
    steps = np.diff(np.log(EDGES))
    assert EDGES[0] == 0.01 and EDGES[-1] == 20.0
    assert (steps > 0).all() and steps.max() < math.log(1.008)


@pytest.mark.parametrize("tau", [0.0, 0.1, 0.6])
def test_with_its_bound_it_is_grpo_with_bounds_of_the_logarithm_never_tighter_than_given(tau):
    from losses.baselines import grpo

    log_ratio = torch.linspace(-2, 2, 401, dtype=torch.float64)
    widths = {"clip_ratio_low": max(0.3, 1 - math.exp(-tau)), "clip_ratio_high": max(0.5, math.exp(tau) - 1)}
    for sign in (-1.0, 1.0):
        advantages = torch.full_like(log_ratio, sign)
        w = gradient_weight(log_ratio, advantages, threshold=tau)
        assert torch.equal(w, grpo.gradient_weight(log_ratio, advantages, **widths))
        assert (w == 0).any()
