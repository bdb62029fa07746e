"""A scorer that fails is seen, and stops the run before the model learns from it."""

import pytest

from recipes.plugin.scorer_watch import BrokenScorerError, status_metrics, stop_if_broken
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
