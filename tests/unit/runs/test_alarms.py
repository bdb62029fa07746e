"""Each alarm is raised by a curve that shows the trouble, and by no healthy one."""

import math
import random
from pathlib import Path

import pytest

from recipes.runs.alarm_rules import RULES
from recipes.runs.alarms import AlarmWatch, of_rows
from recipes.runs.metrics_file import read_metrics

REAL_RUNS = sorted((Path(__file__).parent / "data").glob("*.jsonl"))


def healthy(steps: int = 40) -> list[dict]:
    """A run that learns: entropy falls by a third, reward rises, ratios stay near 1; step 0 only validates."""
    noise = random.Random(0)
    rows = [{"step": 0, "data": {"val-core/set/acc/mean@4": 0.3}}]
    for step in range(1, steps + 1):
        done = step / steps
        data = {
            "actor/entropy": 0.15 - 0.05 * done + noise.uniform(-0.02, 0.02),
            "critic/score/mean": 0.3 + 0.2 * done,
            "critic/score/max": 1.0,
            "reward/failure_share": 0.0,
            "response/truncated_share": 0.1,
            "actor/ratio_quantile/q001": 0.7 + noise.uniform(-0.2, 0.1),
            "actor/ratio_quantile/q999": 1.4 + noise.uniform(-0.1, 0.6),
            "actor/ppo_kl": noise.uniform(-0.003, 0.003),
            "training/rollout_probs_diff_mean": 0.0012 + noise.uniform(-3e-4, 3e-4),
            "reward/groups/all_right_share": 0.1 + 0.2 * done,
            "reward/groups/all_wrong_share": 0.3 - 0.2 * done,
            "actor/skipped_updates": 0.0,
        }
        rows.append({"step": step, "data": data})
    return rows


def changed(first: int, last: int, **metrics: float) -> list[dict]:
    """The healthy run with other values from step `first` to `last`; `__` stands for a slash."""
    rows = healthy()
    for row in rows[first : last + 1]:
        row["data"] |= {name.replace("__", "/"): value for name, value in metrics.items()}
    return rows


# name of the alarm → metrics that raise it, what its sentence must hold, and values just on the healthy side
TROUBLE = {
    "entropy collapse": ({"actor__entropy": 0.02}, ["0.02 nats", "actor/entropy"], {"actor__entropy": 0.035}),
    "entropy explosion": ({"actor__entropy": 0.6}, ["0.6 nats", "actor/entropy"], {"actor__entropy": 0.35}),
    "no reward": ({"critic__score__max": 0.0}, ["best reward", "reward/status"], {"critic__score__max": 0.1}),
    "scorer failures": ({"reward__failure_share": 0.05}, ["5.0%", "failure_share"], {"reward__failure_share": 0.01}),
    "truncation": (
        {"response__truncated_share": 0.62},
        ["62%", "response/truncated_share"],
        {"response__truncated_share": 0.5},
    ),
    "ratio outliers": (
        {"actor__ratio_quantile__q999": 31.0},
        ["31", "ratio_quantile/q999"],
        {"actor__ratio_quantile__q999": 9.0, "actor__ratio_quantile__q001": 0.12},
    ),
    "kl blow-up": ({"actor__ppo_kl": -0.3}, ["-0.3 nats", "actor/ppo_kl"], {"actor__ppo_kl": 0.09}),
    "rollout mismatch": (
        {"training__rollout_probs_diff_mean": 0.03},
        ["0.03", "rollout_probs_diff_mean"],
        {"training__rollout_probs_diff_mean": 0.004},
    ),
    "dead groups": (
        {"reward__groups__all_right_share": 0.3, "reward__groups__all_wrong_share": 0.6},
        ["30%", "60%", "reward/groups"],
        {"reward__groups__all_right_share": 0.3, "reward__groups__all_wrong_share": 0.4},
    ),
    "not finite": ({"actor__grad_norm": math.nan}, ["actor/grad_norm is nan"], {"actor__grad_norm": 1e30}),
    "skipped updates": ({"actor__skipped_updates": 0.25}, ["25%", "skipped_updates"], {"actor__skipped_updates": 0.0}),
}


def test_every_alarm_is_tested() -> None:
    assert list(TROUBLE) == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", TROUBLE)
def test_it_is_raised_with_the_number_and_where_to_look(name: str) -> None:
    metrics, words, _ = TROUBLE[name]
    (alarm,) = of_rows(changed(12, 20, **metrics))
    assert (alarm.name, alarm.first_step, alarm.last_step) == (name, 12, 20)
    assert not [word for word in words if word not in alarm.sentence], alarm.sentence
    assert alarm.sentence.endswith(".") and "\n" not in alarm.sentence


@pytest.mark.parametrize("name", TROUBLE)
def test_just_on_the_healthy_side_it_is_silent(name: str) -> None:
    assert of_rows(changed(12, 20, **TROUBLE[name][2])) == []


def test_a_healthy_run_is_silent() -> None:
    assert of_rows(healthy()) == []


@pytest.mark.parametrize("path", REAL_RUNS, ids=lambda path: path.stem)
def test_a_real_healthy_run_is_silent(path: Path) -> None:
    """metrics.jsonl of finished runs of the tiny model."""
    rows = read_metrics(path)
    assert len(rows) >= 5 and of_rows(rows) == []


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ({"actor__entropy": 0.005}, "entropy collapse"),
        ({"actor__entropy": 3.5}, "entropy explosion"),
        ({"training__rollout_probs_diff_mean": 0.05}, "rollout mismatch"),
    ],
)
def test_far_beyond_all_use_the_first_steps_are_not_asked(metrics: dict, name: str) -> None:
    (alarm,) = of_rows(changed(1, 40, **metrics))
    assert (alarm.name, alarm.first_step) == (name, 1)


@pytest.mark.parametrize(
    ("metrics", "name"),
    [
        ({"actor__ratio_quantile__q001": 0.02}, "ratio outliers"),
        ({"actor__ppo_kl": 0.3}, "kl blow-up"),
        ({"training__rollout_probs_diff_mean": 0.009}, "rollout mismatch"),
        ({"actor__loss": -math.inf}, "not finite"),
        ({"critic__score__max": -1.0}, "no reward"),
    ],
)
def test_other_ways_into_the_same_trouble(metrics: dict, name: str) -> None:
    assert [alarm.name for alarm in of_rows(changed(20, 30, **metrics))] == [name]


@pytest.mark.parametrize("name", ["entropy collapse", "no reward", "dead groups"])
def test_an_unlucky_batch_is_no_alarm(name: str) -> None:
    assert of_rows(changed(12, 13, **TROUBLE[name][0])) == []


def test_one_that_comes_back_is_told_as_it_was_the_last_time() -> None:
    rows = changed(12, 14, actor__ppo_kl=0.3)
    rows[30]["data"]["actor/ppo_kl"] = 0.7
    (alarm,) = of_rows(rows)
    assert (alarm.first_step, alarm.last_step) == (30, 30) and "0.7" in alarm.sentence


def test_a_step_without_the_metric_ends_nothing() -> None:
    rows = changed(10, 40, actor__entropy=0.01)
    rows[11]["data"] = {"val-core/set/acc/mean@4": 0.1}
    (alarm,) = of_rows(rows)
    assert (alarm.first_step, alarm.last_step) == (10, 40)


@pytest.mark.parametrize("value", [None, math.nan, "text", [], True, "absent"])
def test_what_is_no_number_never_raises(value: object) -> None:
    rows = healthy(8)
    for row in rows[3:6]:
        for name in list(row["data"]):
            if value == "absent":
                del row["data"][name]
            else:
                row["data"][name] = value
    assert {alarm.name for alarm in of_rows(rows)} <= {"not finite"}
    assert of_rows([]) == of_rows([{}, {"step": 1}, {"step": None, "data": {}}, {"step": 2, "data": None}]) == []  # type: ignore[list-item]


def test_alarms_are_in_the_order_in_which_they_began() -> None:
    rows = changed(20, 30, actor__ppo_kl=0.3)
    for row in rows[5:10]:
        row["data"]["reward/failure_share"] = 0.1
    assert [alarm.name for alarm in of_rows(rows)] == ["scorer failures", "kl blow-up"]


def test_while_a_run_goes_on_each_alarm_is_said_once() -> None:
    rows = changed(12, 14, actor__ppo_kl=0.3)
    rows[20]["data"]["actor/ppo_kl"] = 0.4
    watch = AlarmWatch()
    said = {row["step"]: alarm for row in rows for alarm in watch.new([row])}
    assert {step: alarm.name for step, alarm in said.items()} == {12: "kl blow-up", 20: "kl blow-up"}
    assert "0.3 nats" in said[12].sentence and "0.4 nats" in said[20].sentence


def test_rows_may_come_twice_and_those_of_an_earlier_attempt_are_known() -> None:
    rows = changed(12, 40, actor__ppo_kl=0.3)
    watch = AlarmWatch(rows[:20])
    assert watch.new(rows[:21]) == watch.new([]) == watch.new(rows) == []
    rows[30]["data"]["reward/failure_share"] = 0.5
    assert [alarm.name for alarm in watch.new(rows[30:31])] == ["scorer failures"]
