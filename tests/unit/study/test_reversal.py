"""Token reversal: causal, exact in its expected reward, equal to sampling, and learnt."""

import math

import pytest
import torch

from recipes.study.bench import Unit, copied, run
from recipes.study.methods import Method
from recipes.study.reversal import Reversal

LENGTH, SEEDS, RATES = 3, (3, 4), 2


@pytest.fixture
def world() -> Reversal:
    """Two rates, two seeds, policies that differ from one another and prefer some tokens."""
    world = Reversal(LENGTH, vocabulary=2, width=8, layers=2, heads=2, prompts=2)
    world.begin(RATES, SEEDS)
    random = torch.Generator().manual_seed(0)
    for leaves in world.parameters:
        for leaf in leaves:
            leaf.data += 0.5 * torch.randn(leaf.shape, generator=random)
    return world


def test_the_expected_reward_is_the_share_of_right_samples(world: Reversal) -> None:
    size = 4000
    world.prompts = size
    rollout = world.sample(copied(world), 0, 1, 2)
    share = rollout.rewards[0].mean((1, 2))
    expected = world.expected_reward()
    assert (expected > 0.01).all() and expected.unique().numel() == RATES * len(SEEDS)
    torch.testing.assert_close(share, expected, rtol=0, atol=4 * 0.5 / math.sqrt(size))


def test_a_right_response_is_the_prompt_backwards(world: Reversal) -> None:
    rollout = world.sample(copied(world), 0, 4, 8)
    for sequence, reward in zip(rollout.content.reshape(-1, 2 * LENGTH), rollout.rewards.flatten(), strict=True):
        assert (sequence[:LENGTH].tolist()[::-1] == sequence[LENGTH:].tolist()) == bool(reward)
    assert 0 < rollout.rewards.mean() < 1


def test_the_learner_gives_the_samplers_probabilities(world: Reversal) -> None:
    """Token by token while sampling, all at once while learning: π_old is the policy that sampled."""
    rollout = world.sample(copied(world), 0, 2, 4)
    for update in range(2):
        log_prob, entropy = world.log_probs(rollout, update)
        torch.testing.assert_close(log_prob.detach(), rollout.old_log_prob[update], rtol=1e-5, atol=1e-5)
        assert log_prob.requires_grad and (entropy >= 0).all() and (entropy <= math.log(2) + 1e-6).all()


def test_no_token_sees_a_later_one(world: Reversal) -> None:
    tokens = torch.randint(2, (RATES * len(SEEDS), 5, 2 * LENGTH - 1), generator=torch.Generator().manual_seed(1))
    changed = tokens.clone()
    changed[..., 3:] = 1 - changed[..., 3:]
    before, after = (world.log_policy(world.parameters, one) for one in (tokens, changed))
    torch.testing.assert_close(before[:, :, :3], after[:, :, :3])
    assert (before[:, :, 3:] != after[:, :, 3:]).any()


def test_prompts_are_the_same_at_every_rate_and_no_two_seeds_alike(world: Reversal) -> None:
    prompts = world.sample(copied(world), 0, 8, 1).content[..., :LENGTH].unflatten(1, (RATES, len(SEEDS)))
    assert torch.equal(prompts[:, 0], prompts[:, 1]) and not torch.equal(prompts[:, 0, 0], prompts[:, 0, 1])


@pytest.mark.parametrize("name", ["grpo", "bapo", "gspo", "entropy_adv", "dr_grpo"])
def test_a_row_is_what_it_would_be_alone(name: str) -> None:
    """Means over sequences, sums over mini-batches and constant lengths, with more than one token."""

    def trained(seeds: tuple[int, ...]) -> torch.Tensor:
        world = Reversal(LENGTH, vocabulary=2, width=8, layers=1, heads=2, prompts=2)
        unit = Unit(updates=4, batches=4, group=4, staleness=0, rates=(0.01,), seeds=seeds, points=4)
        found: torch.Tensor = run(world, Method(name, LENGTH), unit)["reward"]
        return found

    together = trained((0, 1, 2))
    assert (together[0] != together[-1]).all()
    torch.testing.assert_close(together[:, 2:], trained((2,)), rtol=5e-3, atol=5e-4)


def test_it_is_learnt() -> None:
    world = Reversal(LENGTH, vocabulary=2, width=16, layers=2, heads=2, prompts=8)
    unit = Unit(updates=4, batches=20, group=8, staleness=0, rates=(0.005,), seeds=(0, 1), points=2)
    reward = run(world, Method("dgpo", LENGTH), unit)["reward"]
    assert (reward[-1] > 2.5 * reward[0]).all()
