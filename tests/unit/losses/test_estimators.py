"""Advantages by name, as verl's trainer asks for them, against numpy."""

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from verl.trainer.ppo.core_algos import get_adv_estimator_fn

import losses.estimators  # noqa: F401 (registers)

REWARDS = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5, -0.5])
GROUPS = np.array(["a", "b", "a", "b", "a", "c", "c", "c"], dtype=object)
LENGTHS = np.array([4, 1, 3, 2, 4, 4, 2, 3])
MASK = np.arange(4) < LENGTHS[:, None]


def advantages(name, config=None, index=GROUPS, rewards=REWARDS):
    """Called as verl.trainer.ppo.ray_trainer.compute_advantage does, the reward on the last token."""
    token_level = np.zeros(MASK.shape)
    token_level[np.arange(8), LENGTHS - 1] = rewards
    mask = torch.from_numpy(MASK)
    found, returns = get_adv_estimator_fn(name)(
        token_level_rewards=torch.from_numpy(token_level), response_mask=mask, config=config, index=index
    )
    torch.testing.assert_close(returns, found, rtol=0, atol=0)
    assert (found[~mask] == 0).all()
    assert found.shape == mask.shape
    # The same for every token of a response.
    torch.testing.assert_close(found, found[:, :1] * mask, rtol=0, atol=0)
    return found[:, 0].numpy()


def by_group(finish, index=GROUPS):
    return np.array([finish(reward, REWARDS[index == group]) for reward, group in zip(REWARDS, index, strict=True)])


def standardised(reward, group):
    return (reward - group.mean()) / (group.std(ddof=1) + 1e-6)


def centred(reward, group):
    return reward - group.mean()


@pytest.mark.parametrize("name", ["dgpo", "maspo", "grpo"])
def test_dgpo_and_maspo_take_grpos_advantage(name):
    np.testing.assert_allclose(advantages(name), by_group(standardised), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", ["dgpo", "maspo"])
@pytest.mark.parametrize(("by_std", "finish"), [(True, standardised), (False, centred)])
def test_the_division_can_be_left_out(name, by_std, finish):
    config = OmegaConf.create({"norm_adv_by_std_in_grpo": by_std})
    np.testing.assert_allclose(advantages(name, config), by_group(finish), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(advantages(name, OmegaConf.create({})), by_group(standardised), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("by_std", [True, False])
def test_dr_grpo_never_divides(by_std):
    config = OmegaConf.create({"norm_adv_by_std_in_grpo": by_std})
    np.testing.assert_allclose(advantages("dr_grpo", config), by_group(centred), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["dgpo", "dr_grpo"])
def test_a_group_of_equal_rewards_has_no_advantage(name):
    index = np.array(["a", "b", "b", "a", "a", "a", "c", "d"], dtype=object)
    assert (advantages(name, index=index)[:6] == 0).all()


def test_signed_reward_is_plus_or_minus_one_without_a_baseline():
    """A reward of 0 is a bad response; TOPR's rewards are +-1."""
    expected = [1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0, -1.0]
    assert advantages("signed_reward").tolist() == expected
    everything = np.array(["one group"] * 8, dtype=object)
    assert advantages("signed_reward", index=everything).tolist() == expected


def test_signed_reward_sums_over_the_tokens_of_a_response():
    rewards = torch.tensor([[0.9, -1.0, 0.0], [-0.2, 0.0, 0.3]])
    found, _ = get_adv_estimator_fn("signed_reward")(
        token_level_rewards=rewards, response_mask=torch.ones(2, 3), index=None, config=None
    )
    assert found[:, 0].tolist() == [-1.0, 1.0]
