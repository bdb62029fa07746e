"""The mask of high entropy: which tokens it keeps, against sorting, and what it needs."""

import numpy as np
import pytest
import torch
from baseline_cases import CASES, full_batch
from loss_cases import actor_config, call

from losses.entropy_mask import EDGES, entropy_counts, low_entropy
from losses.extras import Extras
from losses.tokens import Tokens


def tokens(entropy: np.ndarray, mask: np.ndarray) -> Tokens:
    x = torch.zeros(entropy.shape, dtype=torch.float64)
    return Tokens.build(x, x, x, torch.from_numpy(mask), Extras(entropy=torch.from_numpy(entropy)))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_it_keeps_the_share_with_the_highest_entropy_however_the_batch_is_cut(seed: int, share: float) -> None:
    """Entropies as of a language model: most nearly 0, a few above 1 nat; garbage in padding."""
    rng = np.random.default_rng(seed)
    entropy = rng.gamma(0.3, 1.0, size=(64, 50))
    mask = np.arange(50) < rng.integers(1, 51, size=64)[:, None]
    entropy[~mask] = 99.0
    falling = np.sort(entropy[mask])[::-1]
    first_left_out = falling[int(share * mask.sum())]
    for pieces in (1, 4):
        parts = [tokens(*part) for part in zip(np.split(entropy, pieces), np.split(mask, pieces), strict=True)]
        counts = sum(entropy_counts(part, "x") for part in parts)
        assert counts.sum().item() == mask.sum()
        kept = ~torch.cat([low_entropy(part, counts, share, "x") for part in parts]).numpy() & mask
        assert kept.sum() <= share * mask.sum()
        differ = kept != ((entropy > first_left_out) & mask)
        assert (np.abs(entropy[differ] / first_left_out - 1) < 0.0061).all(), "only within a step of the grid"


def test_what_no_vocabulary_has_is_kept() -> None:
    """Beyond the largest edge, above which the grid tells nothing apart."""
    given = tokens(np.full((2, 3), 2 * EDGES[-1]), np.ones((2, 3), dtype=bool))
    assert not low_entropy(given, entropy_counts(given, "x"), 0.2, "x").any()


def test_all_of_one_entropy_are_left_out_together() -> None:
    given = tokens(np.zeros((2, 3)), np.ones((2, 3), dtype=bool))
    assert low_entropy(given, entropy_counts(given, "x"), 0.2, "x").all()


def test_the_edges_rise_by_less_than_0_6_percent() -> None:
    assert 0 < np.diff(np.log(EDGES)).max() < np.log(1.006)


def test_it_says_what_it_cannot_do_without() -> None:
    batch = full_batch()
    bare = {name: batch[name] for name in ("log_prob", "old_log_prob", "advantages", "response_mask")}
    config = actor_config(CASES["cispo, top entropy"].config, batch["response_mask"])
    assert config.policy_loss.all_needs == {"entropy", "statistics"} and config.policy_loss.needs == frozenset()
    with pytest.raises(RuntimeError, match="policy_loss=cispo needs"):
        call(config, bare)
