"""The bench: every shipped method trains in it, rows do not touch each other, the same seeds give the same numbers."""

import math

import pytest
import torch

from recipes.common.errors import UserError
from recipes.config import compose
from recipes.study import bench
from recipes.study.bandit import Bandit
from recipes.study.bench import CURVES, Unit, run
from recipes.study.methods import Method

METHODS = compose.compose([], compose.STUDY).study.methods
UNIT = Unit(updates=8, batches=6, group=8, staleness=0, rates=(0.01, 0.1), seeds=(0, 1, 2), points=3)


def trained(name: str, unit: Unit) -> dict[str, torch.Tensor]:
    return run(Bandit(4, 4, 8, 3.0), Method(name, 1), unit)


def test_the_study_holds_every_method_there_is() -> None:
    """One name per registered method; presets such as dgpo-1.5b are the same method with other numbers."""
    plain = [name for name in compose.choices("policy_loss") if "-" not in name]
    assert sorted(METHODS) == plain


@pytest.mark.parametrize("name", METHODS)
def test_a_row_is_what_it_would_be_alone(name: str) -> None:
    """Also for methods with sums over a mini-batch (BAPO), means over sequences, or advantages of their own."""
    together = trained(name, UNIT)
    assert all(torch.isfinite(together[curve]).all() for curve in CURVES)
    assert (together["reward"][0] != together["reward"][-1]).all(), "nothing was learnt"
    alone = trained(name, Unit(8, 6, 8, 0, rates=(0.1,), seeds=(2,), points=3))
    for curve in CURVES:
        torch.testing.assert_close(together[curve][:, 5:], alone[curve], rtol=2e-3, atol=2e-4)


def test_the_same_seeds_give_the_same_numbers() -> None:
    first, second = trained("dgpo", UNIT), trained("dgpo", UNIT)
    assert all(torch.equal(first[curve], second[curve]) for curve in CURVES)
    assert not torch.equal(first["reward"][:, 3], first["reward"][:, 4]), "seeds do not differ"


def test_a_first_update_is_the_same_for_all_clips_and_later_ones_are_not() -> None:
    """At r = 1 every weight is 1: with one update per batch GRPO, CISPO and DGPO are one method."""
    on_policy = Unit(updates=1, batches=20, group=8, staleness=0, rates=(0.1,), seeds=(0, 1), points=5)
    off_policy = Unit(updates=20, batches=1, group=8, staleness=0, rates=(0.1,), seeds=(0, 1), points=5)
    for unit, equal in ((on_policy, True), (off_policy, False)):
        grpo, cispo, dgpo = (trained(name, unit)["reward"][-1] for name in ("grpo", "cispo", "dgpo"))
        assert torch.equal(grpo, cispo) is equal and torch.equal(grpo, dgpo) is equal


def test_staleness_leaves_the_region_from_the_first_update_on() -> None:
    fresh, stale = (
        trained("grpo", Unit(1, 30, 8, staleness, rates=(0.1,), seeds=(0, 1), points=1)) for staleness in (0, 3)
    )
    assert fresh["kl"].abs().max() == 0 and (stale["kl"] > 0).all() and (stale["outside"] > fresh["outside"]).all()


def test_the_rate_rises_and_the_gradient_is_clipped() -> None:
    still = trained("grpo", Unit(1, 4, 8, 0, rates=(1.0,), seeds=(0,), warm_up=10**9, points=4))
    torch.testing.assert_close(still["reward"][0], still["reward"][-1], atol=1e-5, rtol=0)
    assert (trained("topr", UNIT)["gradient_norm"] > 0).all()


@pytest.mark.parametrize("group", [4, 16])
def test_advantages_are_those_of_the_group(group: int) -> None:
    """GRPO's (R − mean)/(std + 1e-6) with Bessel's correction, by hand; 0 where all are equal."""
    table = Method("grpo", 1).advantages(group)
    assert table[0, 0] == table[group, 1] == 0
    for right in range(1, group):
        mean = right / group
        deviation = (right * (1 - mean) ** 2 + (group - right) * mean**2) / (group - 1)
        assert table[right, 1].item() == pytest.approx((1 - mean) / (deviation**0.5 + 1e-6), rel=1e-5)
        assert table[right, 0].item() == pytest.approx(-mean / (deviation**0.5 + 1e-6), rel=1e-5)
    signs = Method("topr", 1).advantages(group)  # of row 0 only the wrong exist, of the last only the right
    assert (signs[:-1, 0] == -1).all() and (signs[1:, 1] == 1).all()


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(UserError, match=r"policy_loss=maspp: there is no such choice\. Write policy_loss=maspo"):
        Method("maspp", 1)


def test_the_rate_rises_and_falls_between_batches_only() -> None:
    """Warm-up over two batches, then a cosine to 0, as verl's scheduler steps once per batch."""
    unit = Unit(4, 6, 2, 0, (1.0,), (0,), warm_up=8, decay=True, rate_by_batch=True)
    falling = [0.5 * (1 + math.cos(math.pi * done)) for done in (0, 0.25, 0.5, 0.75)]
    expected = [factor for factor in (0.0, 0.5, *falling) for _ in range(4)]
    assert [bench._factor(update, unit) for update in range(24)] == pytest.approx(expected, abs=1e-12)
