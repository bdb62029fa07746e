"""BAPO's search from interval sums against the one over single tokens, tests/support/bapo_by_hand.py."""

import bapo_by_hand
import numpy as np
import pytest
import torch
from baseline_cases import full_batch, ratios_and_advantages
from loss_cases import actor_config, over_mini_batch, pieces_of

from losses.baselines.bapo import BAPOConfig, Grid, contributions, find_bounds, interval_sums

LOW, HIGH = Grid(0.6, 0.9, 0.02), Grid(1.2, 3.0, 0.05)
TARGETS = (0.05, 0.25, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.95)


def random_tokens(seed: int, positive_share: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Ratios and advantages of 24 responses of 12 tokens, beyond both ends of both grids."""
    rng = np.random.default_rng(seed)
    ratio = np.exp(rng.uniform(-1.5, 1.6, size=(24, 12)))
    size = rng.choice([0.4, 1.0, 2.2], size=(24, 1))
    sign = np.where(rng.random((24, 1)) < positive_share, 1.0, -1.0) * (rng.random((24, 1)) < 0.9)
    return ratio, np.broadcast_to(sign * size, ratio.shape).copy()


def bounds(ratio, advantages, target, statistic, pieces=1, low=LOW, high=HIGH):
    """c_low, c_high and share from the sums of `pieces` micro-batches."""
    parts = [
        interval_sums(torch.from_numpy(part_r), torch.from_numpy(part_a), low, high)
        for part_r, part_a in zip(np.split(ratio, pieces), np.split(advantages, pieces), strict=True)
    ]
    return [x.item() for x in find_bounds(torch.stack(parts).sum(0), low, high, target, statistic)]


def by_hand(ratio, advantages, target, statistic, **grids):
    tokens = list(zip(ratio.ravel().tolist(), advantages.ravel().tolist(), strict=True))
    return bapo_by_hand.search(tokens, target, statistic=statistic, **grids)


@pytest.mark.parametrize("statistic", ["literal", "active"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(3))
def test_bounds_are_those_of_the_search_over_ratios_and_advantages(seed, target, statistic):
    """However the mini-batch is cut."""
    tokens = random_tokens(seed, positive_share=(0.5, 0.3, 0.7)[seed])
    hand = pytest.approx(by_hand(*tokens, target, statistic), rel=1e-9)
    for pieces in (1, 2, 4):
        assert bounds(*tokens, target, statistic, pieces) == hand


def test_those_searches_stop_at_the_start_in_both_phases_and_at_the_end():
    """Otherwise the test above would show little."""
    for statistic in ("literal", "active"):
        stops = {
            by_hand(*random_tokens(seed, share), target, statistic)[:2]
            for seed, share in enumerate((0.5, 0.3, 0.7))
            for target in TARGETS
        }
        assert (0.6, 1.2) in stops, "met at the start"
        assert (0.9, 3.0) in stops, "never met"
        assert any(c_low == 0.6 and 1.2 < c_high < 3.0 for c_low, c_high in stops), "while c_high rises"
        assert len(stops) >= 4


def test_the_active_share_is_met_while_c_low_rises():
    """Each step of c_low removes negative tokens: somewhere the target lies between two of them."""
    tokens = random_tokens(0)
    at_end_of_high = by_hand(*tokens, 1.0, "active", low=("0.6", "0.6", "0.02"))[2]
    at_end = by_hand(*tokens, 1.0, "active")[2]
    target = (at_end_of_high + at_end) / 2
    c_low, c_high, share = bounds(*tokens, target, "active", pieces=4)
    assert 0.6 < c_low < 0.9
    assert c_high == pytest.approx(3.0)
    assert share >= target
    assert (c_low, c_high, share) == pytest.approx(by_hand(*tokens, target, "active"), rel=1e-9)


def test_raising_c_low_lowers_the_literal_share_and_raises_the_active_one():
    """Why both statistics are offered (the paper's search moves away from its goal in its second phase)."""
    ratio, advantages = random_tokens(0)
    sums = interval_sums(torch.from_numpy(ratio), torch.from_numpy(advantages), LOW, HIGH)
    _, literal = contributions(sums, LOW, HIGH, "literal")
    _, active = contributions(sums, LOW, HIGH, "active")
    assert (literal.diff() > 0).all()
    assert (active.diff() <= 0).all()
    assert active[-1] < active[0]


@pytest.mark.parametrize("statistic", ["literal", "active"])
def test_contributions_at_every_candidate(statistic):
    ratio, advantages = random_tokens(3)
    sums = interval_sums(torch.from_numpy(ratio), torch.from_numpy(advantages), LOW, HIGH)
    positive, negative = contributions(sums, LOW, HIGH, statistic)
    tokens = list(zip(ratio.ravel().tolist(), advantages.ravel().tolist(), strict=True))
    for value, c_high in zip(positive.tolist(), HIGH.values(), strict=True):
        assert value == pytest.approx(bapo_by_hand.contributions(tokens, 0.6, c_high, statistic)[0], rel=1e-9)
    for value, c_low in zip(negative.tolist(), LOW.values(), strict=True):
        assert value == pytest.approx(bapo_by_hand.contributions(tokens, c_low, 1.2, statistic)[1], rel=1e-9)


@pytest.mark.parametrize("statistic", ["literal", "active"])
@pytest.mark.parametrize("target", [0.4, 0.9])
def test_other_grids_and_steps_that_do_not_divide_the_range(statistic, target):
    tokens = random_tokens(4)
    low, high = Grid(0.5, 0.78, 0.1), Grid(1.1, 1.95, 0.3)
    ours = bounds(*tokens, target, statistic, 2, low, high)
    hand = by_hand(*tokens, target, statistic, low=("0.5", "0.78", "0.1"), high=("1.1", "1.95", "0.3"))
    assert ours == pytest.approx(hand, rel=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_tokens_of_one_sign_only(sign):
    """All positive: the share is 1 at once. All negative: it never rises from 0."""
    ratio, advantages = random_tokens(5)
    found = bounds(ratio, sign * np.abs(advantages), 0.4, "literal")
    assert found == pytest.approx([0.6, 1.2, 1.0] if sign > 0 else [0.9, 3.0, 0.0])


@pytest.mark.parametrize("statistic", ["literal", "active"])
def test_without_any_advantage_the_first_candidates(statistic):
    ratio, advantages = random_tokens(6)
    assert bounds(ratio, 0 * advantages, 0.4, statistic) == pytest.approx([0.6, 1.2, 0.0])


def test_a_ratio_exactly_at_a_bound_is_not_clipped_by_it():
    """1.25 and 0.625 are candidates, exact in binary; only the active statistic tells inside from outside there."""
    low, high = Grid(0.5, 0.75, 0.125), Grid(1.125, 1.375, 0.125)
    ratio = torch.tensor([[1.25, 0.625]], dtype=torch.float64)
    sums = interval_sums(ratio, torch.tensor([[2.0, -4.0]], dtype=torch.float64), low, high)
    positive, negative = contributions(sums, low, high, "active")
    assert positive.tolist() == [0.0, 2.5, 2.5]
    assert negative.tolist() == [2.5, 2.5, 0.0]


def test_a_share_exactly_on_target_stops_the_search():
    """`while rho < rho_0`: 1 / (1 + 3) = 0.25 at the start."""
    ratio, advantages = np.ones((1, 2)), np.array([[1.0, -3.0]])
    assert bounds(ratio, advantages, 0.25, "literal") == pytest.approx([0.6, 1.2, 0.25])
    assert bounds(ratio, advantages, 0.26, "literal") == pytest.approx([0.9, 3.0, 0.25])


@pytest.mark.parametrize(
    ("grid", "values"),
    [
        (Grid(0.6, 0.9, 0.1), [0.6, 0.7, 0.8, 0.9]),
        (Grid(0.5, 0.78, 0.1), [0.5, 0.6, 0.7, 0.78]),
        (Grid(0.9, 0.9, 0.02), [0.9]),
        (Grid(1.2, 1.3, 5.0), [1.2, 1.3]),
    ],
)
def test_candidates_run_from_start_to_end(grid, values):
    assert grid.values() == pytest.approx(values, rel=1e-12)


def test_candidates_of_the_paper():
    low, high = BAPOConfig().low.values(), BAPOConfig().high.values()
    assert low == pytest.approx([0.6 + 0.02 * i for i in range(16)], rel=1e-12)
    assert high == pytest.approx([1.2 + 0.05 * i for i in range(37)], rel=1e-12)


@pytest.mark.parametrize("statistic", ["literal", "active"])
@pytest.mark.parametrize("pieces", [1, 2, 4])
@pytest.mark.parametrize("target", [0.4, 0.6, 0.9])
def test_statistics_collected_through_the_loss_give_the_same_bounds(target, pieces, statistic):
    """As a worker collects them: ragged micro-batches, padding left out, one of them nearly empty."""
    batch = full_batch()
    policy_loss = BAPOConfig(bapo_positive_share=target, bapo_statistic=statistic)
    config = actor_config(policy_loss, batch["response_mask"])
    sums = over_mini_batch(config, pieces_of(batch, pieces))["statistics"]
    found = [x.item() for x in find_bounds(sums, policy_loss.low, policy_loss.high, target, statistic)]
    hand = bapo_by_hand.search(ratios_and_advantages(batch), target, statistic=statistic)
    assert found == pytest.approx(hand, rel=1e-9)


def test_sums_are_float64_whatever_comes_in():
    """Millions of tokens are added up; float32 would lose the last candidates' share."""
    token = torch.ones(1, 1, dtype=torch.bfloat16)
    assert interval_sums(token, token, LOW, HIGH).dtype == torch.float64
