"""A validation's metrics: verl's own numbers under verl's names, without the draws that nobody reads."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from verl.trainer.ppo.v1.trainer_base import PPOTrainer

from recipes.plugin.validation import metrics_of

Variables = dict[str, list[Any]]
Samples = tuple[list[str], list[str], Variables]


def made(counts: dict[str, list[int]], seed: int = 0) -> Samples:
    """Sources, problems and variables: for each source problems of so many samples."""
    rng = np.random.default_rng(seed)
    pairs = [
        (source, f"{source}{i}") for source, sizes in counts.items() for i, n in enumerate(sizes) for _ in range(n)
    ]
    right = [float(rng.random() < 0.4) for _ in pairs]
    variables = {
        "reward": [2 * one - rng.random() for one in right],
        "acc": right,
        "pred": ["7" if one else str(rng.integers(3)) for one in right],
        "status": ["ok"] * len(pairs),
        "status_ok": list(rng.random(len(pairs))),
    }
    return [source for source, _ in pairs], [problem for _, problem in pairs], variables


def verls(sources: list[str], problems: list[str], variables: Variables, expected: Any = None) -> dict[str, float]:
    trainer: Any = SimpleNamespace()
    return PPOTrainer._val_metrics_update(trainer, sources, problems, variables, [], expected_acc_counts=expected)


def all_of(sources: list[str], problems: list[str]) -> dict[tuple[str, str], int]:
    pairs = list(zip(sources, problems, strict=True))
    return {pair: pairs.count(pair) for pair in pairs}


def undrawn(metrics: dict[str, float]) -> dict[str, float]:
    """Without the draws of variables other than the accuracy."""
    drawn = ("/acc/", "/acc_success_only/")
    return {
        name: value
        for name, value in metrics.items()
        if any(part in name for part in drawn) or "/mean@" in name or "/std@" in name
    }


def without_errors(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if "/stderr@" not in name}


@pytest.mark.parametrize(
    "counts",
    [{"a": [2, 2], "b": [2]}, {"a": [32, 32, 32]}, {"a": [5, 5], "b": [1, 1, 1]}, {"a": [3, 8, 8], "b": [16]}],
    ids=str,
)
@pytest.mark.parametrize("is_asked", [True, False])
def test_every_metric_that_is_kept_is_verls(counts: dict[str, list[int]], is_asked: bool) -> None:
    sources, problems, variables = made(counts)
    expected = all_of(sources, problems) if is_asked else None
    stock = verls(sources, problems, variables, expected)
    ours = metrics_of(sources, problems, variables, expected)
    assert without_errors(ours) == pytest.approx(undrawn(stock), rel=1e-12)
    assert max(map(max, counts.values())) == 1 or set(stock) - set(ours), "nothing was left out"


def test_a_failed_sample_is_wrong_in_one_and_absent_in_the_other() -> None:
    sources, problems, variables = made({"a": [4, 4, 4], "b": [4, 4]})
    expected = all_of(sources, problems) | {("b", "none came back"): 4}
    kept = [place for place in range(len(sources)) if place not in (0, 5, 6)]
    samples = [sources[i] for i in kept], [problems[i] for i in kept]
    variables = {name: [column[i] for i in kept] for name, column in variables.items()}
    ours = metrics_of(*samples, variables, expected)
    assert without_errors(ours) == pytest.approx(undrawn(verls(*samples, variables, expected)), rel=1e-12)
    assert ours["val-aux/a/acc_success_only/mean@3"] != ours["val-core/a/acc/mean@4"]


def test_rewards_are_drawn_where_there_is_no_accuracy() -> None:
    sources, problems, variables = made({"a": [4, 4], "b": [4, 4]})
    plain = {name: variables[name] for name in ("reward", "status_ok")}
    stock, ours = verls(sources, problems, plain), metrics_of(sources, problems, plain)
    of_reward = {name: value for name, value in stock.items() if "/reward/" in name}
    assert of_reward == pytest.approx({name: ours[name] for name in ours if "/reward/" in name}, rel=1e-12)
    mixed = variables | {"acc": [*variables["acc"][:8], *[None] * 8]}
    found = metrics_of(sources, problems, mixed)
    assert "val-core/b/reward/best@4/mean" in found and "val-aux/a/reward/mean@4" in found
    assert "val-aux/a/reward/best@2/mean" not in found


def test_nobody_votes_where_a_sample_has_no_answer() -> None:
    sources, problems, variables = made({"a": [4], "b": [4]})
    variables["pred"][1] = None
    found = metrics_of(sources, problems, variables)
    assert without_errors(found) == pytest.approx(undrawn(verls(sources, problems, variables)), rel=1e-12)
    assert "val-core/b/acc/maj@4/mean" in found and "val-core/a/acc/maj@4/mean" not in found


# Standard errors


def errors(*given: Any) -> dict[str, float]:
    sources, problems, right, *expected = given
    found = metrics_of(sources, problems, {"acc": right}, *expected)
    return {name: value for name, value in found.items() if "/stderr@" in name}


def test_the_standard_error_is_that_of_means_of_problems() -> None:
    right = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]], dtype=float)
    problems = np.repeat(["a", "b", "c"], 4)
    found = errors(["set"] * 12, list(problems), list(right.flatten()))
    assert found == {"val-aux/set/acc/stderr@4": pytest.approx(right.mean(1).std(ddof=1) / 3**0.5)}


def test_sources_are_apart_and_a_single_problem_says_nothing() -> None:
    sources, problems = ["a", "a", "b", "b", "b", "b"], ["1", "1", "2", "2", "3", "3"]
    found = errors(sources, problems, [1, 0, 1, 1, 0, 0])
    assert found == {"val-aux/b/acc/stderr@2": pytest.approx(0.5)}
    assert errors(["a"] * 4, ["1"] * 4, [1, 0, 0, 1]) == {}


def test_a_failed_sample_is_wrong_as_in_the_mean() -> None:
    problems, right = ["1", "1", "2", "3", "3"], [1.0, 1.0, 1.0, 1.0, 0.0]
    expected = {("set", "1"): 2, ("set", "2"): 2, ("set", "3"): 2, ("other", "4"): 2}
    found = errors(["set"] * 5, problems, right, expected)
    assert found == {"val-aux/set/acc/stderr@2": pytest.approx(np.std([1, 0.5, 0.5], ddof=1) / 3**0.5)}


def test_no_standard_error_without_accuracies() -> None:
    assert errors(["a", "a"], ["1", "2"], [None, None], {("a", "1"): 1, ("a", "2"): 1}) == {}
