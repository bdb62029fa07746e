"""What dynamic sampling costs, and that a batch which can't be filled ends the run."""

import pytest

from recipes.plugin.dynamic_sampling import DROPPED, GenerationLimit, UnfilledBatchError, generated_per_kept

NAME = "reward/groups/generated_per_kept"


def test_what_was_dropped_counts_whether_it_taught_nothing_or_was_left_over() -> None:
    evicted, surplus = DROPPED
    assert generated_per_kept({}, 8) == {NAME: 1.0}
    assert generated_per_kept({evicted: 4}, 8) == {NAME: 1.5}
    assert generated_per_kept({evicted: 4, surplus: 12, "reward/groups/all_right_share": 1}, 8) == {NAME: 3.0}
    assert generated_per_kept({evicted: 4}, 0) == {}


def test_verl_counts_them_under_these_names() -> None:
    """They are summed over the updates of a step."""
    from verl.trainer.ppo.v1.utils import MetricsAggregator

    assert set(DROPPED) <= set(MetricsAggregator().aggregation_rules["sum"])


def test_up_to_the_limit_it_goes_on_and_each_step_begins_anew() -> None:
    limit = GenerationLimit(8, 3.0)
    for _ in range(5):
        limit.begin_step()
        for _ in range(4):
            limit.draw(4)


def test_beyond_the_limit_it_ends_and_says_what_to_do() -> None:
    limit = GenerationLimit(8, 3.0)
    limit.begin_step()
    limit.draw(16)
    with pytest.raises(UnfilledBatchError) as error:
        limit.draw(1)
    for word in ("25 prompts", "batch of 8", "generation_limit=3 ", "sampling=all", "all_right_share", "rollout.n"):
        assert word in str(error.value)
