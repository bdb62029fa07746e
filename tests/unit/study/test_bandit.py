"""The bandit: its expected reward by enumeration, its samples by the same, its gradient by the closed form."""

import math

import pytest
import torch

from recipes.study.bandit import Bandit
from recipes.study.bench import copied
from recipes.study.methods import Method

CONTEXTS, FEATURES, ARMS, SCALE = 3, 4, 5, 2.0
SEEDS = (7, 11)
RATES = 2


@pytest.fixture
def world() -> Bandit:
    """Two rates, two seeds, policies that differ from one another."""
    world = Bandit(CONTEXTS, FEATURES, ARMS, SCALE)
    world.begin(RATES, SEEDS)
    random = torch.Generator().manual_seed(0)
    for leaves in world.parameters:
        leaves[0].data = torch.randn(leaves[0].shape, generator=random)
    return world


def probability(world: Bandit, rate: int, seed: int, context: int, arm: int) -> float:
    """π(arm | context), by hand."""
    theta, features = world.parameters[rate][0][seed], world.features[seed, context]
    scores = [SCALE * float((features * theta[:, one]).sum()) - math.log(1 + one) for one in range(ARMS)]
    return math.exp(scores[arm]) / sum(math.exp(score) for score in scores)


def test_the_expected_reward_is_that_of_an_enumeration(world: Bandit) -> None:
    found = world.expected_reward().tolist()
    for row, (rate, seed) in enumerate((rate, seed) for rate in range(RATES) for seed in range(len(SEEDS))):
        by_hand = [
            sum(probability(world, rate, seed, c, arm) * (arm == int(world.right[seed, c])) for arm in range(ARMS))
            for c in range(CONTEXTS)
        ]
        assert found[row] == pytest.approx(sum(by_hand) / CONTEXTS, rel=1e-5)


def test_before_any_update_arms_follow_zipf() -> None:
    world = Bandit(CONTEXTS, FEATURES, ARMS, SCALE)
    world.begin(1, SEEDS)
    total = sum(1 / (1 + arm) for arm in range(ARMS))
    expected = [1 / (1 + arm) / total for arm in range(ARMS)]
    assert world.log_policy(copied(world)).exp()[0, 0, 0].tolist() == pytest.approx(expected, rel=1e-5)


def test_samples_come_from_the_behaviour_policy(world: Bandit) -> None:
    behaviour = copied(world)
    for leaves in world.parameters:
        leaves[0].data.zero_()  # the learner is another policy by now
    group = 20_000
    rollout = world.sample(behaviour, 1, 1, group)  # update 1: context 1
    arms = rollout.content[0][0]  # (rows, group)
    world.parameters = behaviour
    for row, (rate, seed) in enumerate((rate, seed) for rate in range(RATES) for seed in range(len(SEEDS))):
        share = torch.bincount(arms[row], minlength=ARMS) / group
        by_hand = [probability(world, rate, seed, 1, arm) for arm in range(ARMS)]
        assert share.tolist() == pytest.approx(by_hand, abs=4 * 0.5 / math.sqrt(group))
        assert rollout.old_log_prob[0, row, 0, 0].item() == pytest.approx(
            math.log(by_hand[int(arms[row, 0])]), rel=1e-4
        )
        assert torch.equal(rollout.rewards[0, row, 0], (arms[row] == world.right[seed, 1]).float())


def weight_by_hand(method: str, ratio: float, advantage: float) -> float:
    """DGPO with (n, m) = (1, 2), GRPO and CISPO, ε = 0.2."""
    if method == "cispo":
        return min(max(ratio, 0.8), 1.2)
    if advantage > 0 and ratio > 1.2:
        return 0.0 if method == "grpo" else ratio * math.sqrt(1.2 / ratio)
    if advantage < 0 and ratio < 0.8:
        return 0.0 if method == "grpo" else ratio * ratio / 0.8
    return 0.0 if method == "grpo" and advantage < 0 and ratio > 3.0 else ratio


@pytest.mark.parametrize("name", ["grpo", "dgpo", "cispo"])
def test_the_gradient_is_the_closed_form(world: Bandit, name: str) -> None:
    """∇_Θ loss = −1/G Σ_i w_i Â_i · scale · x ⊗ (e_i − π), off-policy, in every branch."""
    group = 64
    rollout = world.sample(copied(world), 0, 1, group)
    for leaves in world.parameters:
        leaves[0].data += 0.3 * torch.randn(leaves[0].shape, generator=torch.Generator().manual_seed(3))
    advantages = torch.linspace(-1.5, 1.0, group)[None, :, None].expand(RATES * len(SEEDS), -1, -1)
    log_prob, _ = world.log_probs(rollout, 0)
    Method(name, 1).loss(log_prob, rollout.old_log_prob[0], advantages, rollout.mask[0], None).backward()
    branches = set()
    for row, (rate, seed) in enumerate((rate, seed) for rate in range(RATES) for seed in range(len(SEEDS))):
        policy = torch.tensor([probability(world, rate, seed, 0, arm) for arm in range(ARMS)])
        expected = torch.zeros(FEATURES, ARMS)
        for one in range(group):
            arm, advantage = int(rollout.content[0][0, row, one]), float(advantages[row, one])
            ratio = float(policy[arm]) / math.exp(float(rollout.old_log_prob[0, row, one]))
            branches.add((ratio < 0.8, ratio > 1.2, advantage > 0))
            direction = torch.eye(ARMS)[arm] - policy
            weight = weight_by_hand(name, ratio, advantage)
            expected -= weight * advantage * SCALE * torch.outer(world.features[seed, 0], direction) / group
        torch.testing.assert_close(world.parameters[rate][0].grad[seed], expected, rtol=1e-4, atol=1e-6)
    assert len(branches) == 6, "the case does not reach every branch"
