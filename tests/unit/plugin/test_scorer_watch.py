"""A scorer that fails is seen, and stops the run before the model learns from it."""

import pytest

from recipes.plugin.scorer_watch import BrokenScorerError, status_metrics, stop_if_broken, stop_if_unsound
from reward.verdict import STATUSES


def fields(*statuses: str) -> list[dict]:
    return [{"reward_extra_info": {"status": status}} for status in statuses]


def test_the_shares_of_all_statuses() -> None:
    metrics = status_metrics(fields("ok", "ok", "wrong", "timeout", "crashed", "truncated", "no_answer", "unparsable"))
    assert metrics.keys() == {*(f"reward/status/{status}" for status in STATUSES), "reward/failure_share"}
    assert metrics["reward/status/ok"] == metrics["reward/failure_share"] == 0.25
    assert sum(metrics[f"reward/status/{status}"] for status in STATUSES) == 1.0


def test_responses_of_another_reward_function_have_no_status() -> None:
    assert status_metrics([{}, {"reward_extra_info": {"score": 1.0}}, None]) == {}
    stop_if_broken({}, 100, 0.2)


@pytest.mark.parametrize("failures", [0, 20])
def test_up_to_the_limit_it_goes_on(failures: int) -> None:
    stop_if_broken(status_metrics(fields(*["timeout"] * failures, *["ok"] * (100 - failures))), 100, 0.2)


@pytest.mark.parametrize("status", ["timeout", "crashed"])
def test_beyond_the_limit_it_stops_and_says_where_to_look(status: str) -> None:
    metrics = status_metrics(fields(*[status] * 21, *["ok"] * 79))
    with pytest.raises(BrokenScorerError) as error:
        stop_if_broken(metrics, 100, 0.2)
    for word in ("21%", "100 responses", "limit is 20%", f"{status} 21%", "python -m reward check", "deadline"):
        assert word in str(error.value)


INFO = {"reward_extra_info": {"acc": 1.0}}


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_is_named(reward: float) -> None:
    with pytest.raises(BrokenScorerError, match=r"my\.py:score returned (nan|inf) for response b"):
        stop_if_unsound([1.0, reward], [INFO, INFO], ["a", "b"], "my.py:score")
    stop_if_unsound([1.0, 0.0], [INFO, INFO], ["a", "b"], "my.py:score")


def test_keys_that_differ_are_named() -> None:
    with pytest.raises(
        BrokenScorerError, match=r"my\.py:score returned the keys \[\] for response b, and \['acc'\] for a"
    ):
        stop_if_unsound([1.0, 0.0], [INFO, {"reward_extra_info": {}}], ["a", "b"], "my.py:score")
