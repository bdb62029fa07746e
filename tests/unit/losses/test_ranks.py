"""Two real processes, each with half of the mini-batch: their averaged gradient is that of the whole on one rank."""

import json
import os

import bapo_by_hand
import pytest
import two_ranks
from baseline_cases import CONFIGS, full_batch, ratios_and_advantages

pytestmark = pytest.mark.skipif("MUTATION_TEST" in os.environ, reason="tests/mutation runs the others")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What tests/support/rank.py finds for every method."""
    folder = tmp_path_factory.mktemp("ranks")
    two_ranks.run("rank.py", folder)
    return json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize("name", CONFIGS)
def test_two_ranks_average_to_the_gradient_of_one(results, name):
    found = results[name]
    assert min(map(abs, found["alone"])) > 1e-6
    assert found["averaged"] == pytest.approx(found["alone"], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("bapo", {"target": 0.7}),
        ("bapo, active", {"target": 0.6, "statistic": "active"}),
        ("bapo, changed", {"target": 0.9, "low": ("0.7", "0.8", "0.05"), "high": ("1.1", "1.9", "0.2")}),
    ],
)
def test_bapo_searches_over_both_ranks(results, name, settings):
    """The bounds of the search by hand over the whole mini-batch; a rank of its own would find others."""
    batch = full_batch()
    metrics = results[name]["metrics"]
    found = [metrics[f"actor/{key}"] for key in ("bapo_c_low", "bapo_c_high", "bapo_positive_share")]
    assert found == pytest.approx(bapo_by_hand.search(ratios_and_advantages(batch), **settings), rel=1e-9)
    half = {key: value[:4] for key, value in batch.items()}
    assert found != pytest.approx(bapo_by_hand.search(ratios_and_advantages(half), **settings), rel=1e-9)
