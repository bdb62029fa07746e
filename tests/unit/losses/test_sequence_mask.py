"""Off-policy sequence masking: which responses it drops, and what it reports."""

import pytest
import torch
from baseline_cases import CASES, called, full_batch

from losses.sequence_mask import off_policy
from losses.tokens import Tokens


def tokens(log_ratio: list[list[float]], advantages: list[float], lengths: list[int]) -> Tokens:
    x = torch.tensor(log_ratio, dtype=torch.float64)
    mask = torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None]
    advantage = torch.tensor(advantages, dtype=torch.float64)[:, None].expand_as(x)
    return Tokens.build(x, torch.zeros_like(x), advantage, mask)


def test_a_bad_response_is_dropped_as_a_whole_when_its_mean_drift_is_above_delta() -> None:
    """Means over the tokens that count: 0.6, 0.5 and -0.6 nats; the third has become more likely."""
    given = tokens([[-1.0, -0.2, 9.0], [-1.0, -0.5, 0.0], [1.0, 0.2, -9.0]], [-1.0, -1.0, -1.0], [2, 3, 2])
    assert off_policy(given, 0.5)[:, :2].tolist() == [[True, True], [False, False], [False, False]]
    assert not off_policy(given, 0.7).any()


@pytest.mark.parametrize("advantage", [0.0, 1.0])
def test_a_good_response_never_is(advantage: float) -> None:
    assert not off_policy(tokens([[-3.0, -3.0]], [advantage], [2]), 0.0).any()


@pytest.mark.parametrize("name", ["grpo, opsm", "gppo, opsm", "topr, opsm"])
def test_the_share_of_dropped_tokens_is_reported(name: str) -> None:
    case = CASES[name]
    shares = []
    for seed in range(4):
        batch = full_batch(seed=seed)
        _, grad, metrics = called(case, batch)
        mask = batch["response_mask"]
        given = Tokens.build(batch["log_prob"], batch["old_log_prob"], batch["advantages"], mask)
        dropped = off_policy(given, case.config.opsm_delta) & mask
        assert (grad[dropped] == 0).all()
        assert metrics["actor/opsm_share"] == pytest.approx((dropped.sum() / mask.sum()).item(), rel=1e-6)
        shares.append(metrics["actor/opsm_share"])
    assert max(shares) > 0.1


def test_without_the_mask_nothing_is_reported() -> None:
    assert "actor/opsm_share" not in called(CASES["gppo"], full_batch())[2]
