"""Advantage estimators by name, for `algorithm.adv_estimator`."""

from typing import Any

import torch
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage, register_adv_est

# Whose advantage is one number per response, from the sum of its rewards: it is asked for once per response instead of
# once per token (recipes/plugin/ragged.py). `grpo` is verl's own.
OUTCOME_ESTIMATORS = frozenset({"grpo", "dgpo", "maspo", "dr_grpo", "signed_reward"})


@register_adv_est("dgpo")
@register_adv_est("maspo")
def group_relative(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Any, config: Any = None, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """GRPO's group-relative advantage, which neither DGPO nor MASPO changes: Â = (R − mean)/(std + 1e-6).

    Mean and standard deviation are over the responses to the same prompt; the same value for every token of a response.
    `algorithm.norm_adv_by_std_in_grpo=false` leaves the division out.

    Args:
        token_level_rewards: rewards whose sum over a row is R, (B, T).
        response_mask: 1 for response tokens, (B, T).
        index: prompt of each row, (B,).
        config: verl's algorithm config.

    Returns:
        Advantages and returns, both (B, T).
    """
    by_std = True if config is None else config.get("norm_adv_by_std_in_grpo", True)
    return compute_grpo_outcome_advantage(token_level_rewards, response_mask, index, norm_adv_by_std_in_grpo=by_std)


@register_adv_est("dr_grpo")
def centred(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, index: Any, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """Dr. GRPO's advantage (arXiv 2503.20783, section 3.2): Â = R − mean, without the division by the deviation.

    Arguments and result as for `group_relative`.
    """
    return compute_grpo_outcome_advantage(token_level_rewards, response_mask, index, norm_adv_by_std_in_grpo=False)


@register_adv_est("signed_reward")
def signed_reward(
    token_level_rewards: torch.Tensor, response_mask: torch.Tensor, **_: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """TOPR's advantage (arXiv 2503.14286): +1 for a response with a positive reward, −1 for any other; no baseline.

    Arguments and result as for `group_relative`.
    """
    good = token_level_rewards.sum(-1, keepdim=True) > 0
    advantages = torch.where(good, 1.0, -1.0) * response_mask
    return advantages, advantages
