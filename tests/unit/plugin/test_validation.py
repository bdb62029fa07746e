"""A validation's metrics: verl's own, without the draws that nobody reads."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from verl.trainer.ppo.v1.trainer_base import PPOTrainer

from recipes.plugin.validation import metrics_of

SOURCES, PROBLEMS = ["a"] * 6 + ["b"] * 4, [*"112233", *"4455"]
GENERATOR = np.random.default_rng(0)
RIGHT = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]
VARIABLES: dict[str, list[Any]] = {
    "reward": [2 * right - 1 for right in RIGHT],
    "acc": RIGHT,
    "pred": ["7" if right else str(i) for i, right in enumerate(RIGHT)],
    "status": ["ok"] * 10,
    "status_ok": list(GENERATOR.random(10)),
}
EXPECTED = {(source, problem): 2 for source, problem in zip(SOURCES, PROBLEMS, strict=True)}


def verls(variables: dict[str, list[Any]], expected: Any, keep: slice = slice(None)) -> dict[str, float]:
    trainer: Any = SimpleNamespace()
    return PPOTrainer._val_metrics_update(
        trainer, SOURCES[keep], PROBLEMS[keep], variables, [], expected_acc_counts=expected
    )


def undrawn(metrics: dict[str, float]) -> dict[str, float]:
    """Without the draws of variables other than the accuracy."""
    drawn = ("/acc/", "/acc_success_only/")
    return {
        name: value
        for name, value in metrics.items()
        if any(part in name for part in drawn) or "/mean@" in name or "/std@" in name
    }


def test_every_metric_that_is_kept_is_verls() -> None:
    stock = verls(VARIABLES, EXPECTED)
    ours = metrics_of(verls, SOURCES, PROBLEMS, VARIABLES, EXPECTED)
    assert ours == pytest.approx(undrawn(stock), rel=1e-12)
    assert set(stock) - set(ours), "nothing was left out"
    assert ours["val-aux/a/acc_success_only/maj@2/mean"] == ours["val-core/a/acc/maj@2/mean"]


def test_a_failed_sample_is_wrong_in_one_and_absent_in_the_other() -> None:
    keep = slice(1, None)
    variables = {name: column[keep] for name, column in VARIABLES.items()}
    ours = metrics_of(
        lambda drawn, expected: verls(drawn, expected, keep), SOURCES[keep], PROBLEMS[keep], variables, EXPECTED
    )
    assert ours == pytest.approx(undrawn(verls(variables, EXPECTED, keep)), rel=1e-12)
    assert ours["val-aux/a/acc_success_only/mean@1"] != ours["val-core/a/acc/mean@2"]


def test_rewards_are_drawn_where_there_is_no_accuracy() -> None:
    variables = {name: VARIABLES[name] for name in ("reward", "status_ok")}
    stock, ours = verls(variables, None), metrics_of(verls, SOURCES, PROBLEMS, variables, None)
    assert {name: value for name, value in stock.items() if "/reward/" in name} == {
        name: value for name, value in ours.items() if "/reward/" in name
    }
    mixed = dict(VARIABLES, acc=[*RIGHT[:6], *[None] * 4])
    found = metrics_of(verls, SOURCES, PROBLEMS, mixed, None)
    assert "val-core/b/reward/best@2/mean" in found and "val-aux/a/reward/mean@2" in found
    assert "val-aux/a/reward/best@2/mean" not in found and "val-aux/b/reward/mean@2" not in found
