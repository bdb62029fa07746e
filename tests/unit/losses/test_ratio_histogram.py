"""The spread of ratios that every loss reports, against numpy on the same tokens."""

import math

import numpy as np
import pytest
import torch
from baseline_cases import EVERY_OF_OURS, called, full_batch
from loss_cases import actor_config, call, make_batch, pieces_of

from dgpo.config import DGPOConfig
from losses.metrics import RATIO_EDGES
from losses.ratio_histogram import POSITIONS, QUANTILES, RATIO_SHARES, RUN, distance_of, ratio_counts, ratio_quantiles

INNER = (-np.inf, *np.log(RATIO_EDGES), np.inf)


def tokens(rows: int, length: int, spread: float = 0.3, seed: int = 0):
    """Old and new log-probabilities and a mask of responses of unequal length, in float64."""
    rng = np.random.default_rng(seed)
    old = rng.uniform(-5, -0.1, (rows, length))
    new = old + rng.normal(0, spread, old.shape)
    mask = np.arange(length) < rng.integers(1, length + 1, (rows, 1))
    return torch.from_numpy(new), torch.from_numpy(old), torch.from_numpy(mask)


def shares_of(new, old, mask) -> dict[str, float]:
    counts = ratio_counts(new, old, mask)
    return dict(zip(RATIO_SHARES, (counts / counts.sum()).tolist(), strict=True))


def by_numpy(log_ratio: np.ndarray) -> np.ndarray:
    return np.histogram(log_ratio, bins=INNER)[0]


def test_edges_ascend_with_the_clip_bounds_among_them_and_a_bin_around_1():
    assert list(RATIO_EDGES) == sorted(set(RATIO_EDGES))
    assert {0.8, 1.2, 1.28, 3.0, 10.0} <= set(RATIO_EDGES) and 1.0 not in RATIO_EDGES
    assert len(RATIO_SHARES) == len(RATIO_EDGES) + 1


@pytest.mark.parametrize("spread", [1e-4, 0.02, 0.3, 3.0])
@pytest.mark.parametrize("shape", [(1, 1), (8, 12), (64, 64)])
def test_where_every_position_is_looked_at_counts_are_numpys(spread, shape):
    new, old, mask = tokens(*shape, spread)
    np.testing.assert_array_equal(ratio_counts(new, old, mask).numpy(), by_numpy((new - old)[mask].numpy()))


def test_of_a_large_batch_a_fixed_few_thousand_are_looked_at_and_say_the_same():
    new, old, mask = tokens(64, 8192)
    counts, again = ratio_counts(new, old, mask).numpy(), ratio_counts(new, old, mask).numpy()
    assert (counts == again).all() and mask.sum() / 160 < counts.sum() <= POSITIONS
    everything = by_numpy((new - old)[mask].numpy())
    expected = everything / everything.sum()
    # Four standard deviations of a share of so many independent draws.
    assert (np.abs(counts / counts.sum() - expected) <= 4 * np.sqrt(expected / counts.sum()) + 1e-9).all()


@pytest.mark.parametrize(("rows", "length"), [(64, 8192), (1, 10**6), (16384, 4096), (8, 1025), (50, 14000)])
def test_the_distance_meets_every_position_of_a_response(rows, length):
    distance = distance_of(rows, length)
    assert math.gcd(distance, length) == 1 and distance > RUN
    looked_at = (1 + (rows * length - RUN) // distance) * RUN
    assert POSITIONS / 2 < looked_at <= POSITIONS + RUN


@pytest.mark.parametrize("length", [1024, 8192, 10_000])
def test_positions_late_in_a_response_are_looked_at_as_often_as_early_ones(length):
    """Ratios that grow along the response; the share beyond its middle is one half."""
    late = (torch.arange(length) >= length // 2).expand(64, length).double()
    counts = ratio_counts(late, torch.zeros_like(late), torch.ones_like(late))
    assert counts[-6:].sum() / counts.sum() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf, 1e9])
def test_padding_is_not_counted(garbage):
    new, old, mask = tokens(8, 12)
    clean = shares_of(new, old, mask)
    assert shares_of(new.masked_fill(~mask, garbage), old, mask) == clean
    assert shares_of(new, old.masked_fill(~mask, garbage), mask) == clean
    assert sum(clean.values()) == pytest.approx(1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_extreme_ratios_are_in_the_open_bins(dtype):
    old = torch.full((1, 4), -30.0, dtype=dtype)
    new = old + torch.tensor([[-20.0, 20.0, 20.0, 0.0]], dtype=dtype)
    found = shares_of(new, old, torch.ones(1, 4, dtype=torch.bool))
    assert (found[RATIO_SHARES[0]], found[RATIO_SHARES[-1]]) == (0.25, 0.5)
    quantiles = ratio_quantiles(found)
    assert quantiles["actor/ratio_quantile/q001"] == pytest.approx(RATIO_EDGES[0])
    assert quantiles["actor/ratio_quantile/q999"] == pytest.approx(RATIO_EDGES[-1])


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.5])
def test_quantiles_are_numpys_to_within_a_bin(spread):
    new, old, mask = tokens(64, 64, spread)
    ratios = np.exp((new - old)[mask].numpy())
    found = ratio_quantiles(shares_of(new, old, mask))
    assert list(found) == [f"actor/ratio_quantile/{name}" for name in QUANTILES]
    for name, quantile in QUANTILES.items():
        exact = np.quantile(ratios, quantile, method="inverted_cdf")
        i = np.searchsorted(RATIO_EDGES, exact)
        below, above = RATIO_EDGES[max(i - 1, 0)], RATIO_EDGES[min(i, len(RATIO_EDGES) - 1)]
        assert below * (1 - 1e-9) <= found[f"actor/ratio_quantile/{name}"] <= above * (1 + 1e-9), name
    assert list(found.values()) == sorted(found.values())


def test_a_quantile_within_a_bin_is_interpolated_over_log_r():
    """All tokens between 1.2 and 1.28, evenly over log r."""
    log_ratio = torch.linspace(math.log(1.2), math.log(1.28), 20_001, dtype=torch.float64)[:-1].view(1, -1)
    found = ratio_quantiles(shares_of(log_ratio, torch.zeros_like(log_ratio), torch.ones_like(log_ratio)))
    for name, quantile in QUANTILES.items():
        assert math.log(found[f"actor/ratio_quantile/{name}"]) == pytest.approx(
            math.log(1.2) + quantile * math.log(1.28 / 1.2), rel=1e-6
        )


def test_no_quantiles_where_nothing_was_counted():
    assert ratio_quantiles({}) == {}
    assert ratio_quantiles(dict.fromkeys(RATIO_SHARES, 0.0)) == {}
    assert ratio_quantiles(dict.fromkeys(RATIO_SHARES, math.nan)) == {}


@pytest.mark.parametrize("pieces", [2, 4, 8])
def test_shares_do_not_depend_on_the_cut_where_all_is_counted(pieces):
    """Weighted by their tokens; verl's own mean over micro-batches is not, for this metric as for all others."""
    batch = make_batch()
    config = actor_config(DGPOConfig(), batch["response_mask"])
    whole = call(config, batch)[2]
    parts = pieces_of(batch, pieces)
    weights = [part["response_mask"].sum().item() / batch["response_mask"].sum().item() for part in parts]
    cut = [call(config, part)[2] for part in parts]
    for name in RATIO_SHARES:
        together = sum(weight * metrics[name] for weight, metrics in zip(weights, cut, strict=True))
        assert together == pytest.approx(whole[name], abs=1e-12), name


@pytest.mark.parametrize("case", EVERY_OF_OURS)
def test_every_loss_reports_the_same_shares(case):
    batch = full_batch()
    _, _, metrics = called(case, batch)
    mask = batch["response_mask"]
    counts = by_numpy((batch["log_prob"] - batch["old_log_prob"]).double()[mask].numpy())
    np.testing.assert_allclose([metrics[name] for name in RATIO_SHARES], counts / counts.sum(), atol=1e-12)
