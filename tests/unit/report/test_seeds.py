"""`recipes.report seeds`: two methods over the same seeds, from runs as from evaluations."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from recipes.report.__main__ import main

OURS, THEIRS = (0.50, 0.58, 0.47), (0.48, 0.53, 0.46)


def run(folder: Path, seed: int, accuracy: float, loss_mode: str = "dgpo", steps: int = 20) -> Path:
    """A run whose reward rises to its last accuracy and which validates at the start and the end."""
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"seed": seed, "attempts": []}))
    (folder / "config.yaml").write_text(f"actor_rollout_ref: {{actor: {{policy_loss: {{loss_mode: {loss_mode}}}}}}}")
    rows = [{"step": step, "data": {"critic/score/mean": accuracy * step / steps}} for step in range(1, steps + 1)]
    rows[-1]["data"]["val-core/made_up/acc/mean@4"] = accuracy
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def sides(root: Path, make) -> list[str]:
    ours = [make(root / f"a{seed}", seed, value) for seed, value in enumerate(OURS)]
    theirs = [make(root / f"b{seed}", seed, value) for seed, value in enumerate(THEIRS)]
    return [*map(str, ours), "--against", *map(str, reversed(theirs))]


def evaluation(folder: Path, seed: int, accuracy: float) -> Path:
    folder.mkdir(parents=True)
    records = {"average": {"avg": accuracy}, "aime24": {"avg": accuracy / 2}}
    content = {"run": {"seed": seed, "name": "x", "project": "y"}, "step": 300, "records": records}
    (folder / "results-ours.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(autouse=True)
def wide(monkeypatch) -> None:
    # rich keeps the environment that it was imported in; a dumb terminal has 80 columns whatever COLUMNS says.
    monkeypatch.setattr(Console, "_environ", {"COLUMNS": "180", "TERM": "xterm"})


def expected() -> list[str]:
    """Difference, interval and p of the accuracies, by scipy's own paired test."""
    test = stats.ttest_rel(100 * np.array(OURS), 100 * np.array(THEIRS))
    ends = test.confidence_interval(0.95)
    return [f"+2.7 [{ends.low:+.1f}, {ends.high:+.1f}]", f"{test.pvalue:.4f}", "+2.0, +5.0, +1.0"]


def test_runs_are_paired_by_seed(tmp_path, capsys) -> None:
    main(["seeds", *sides(tmp_path, run)])
    accuracy, reward = [line for line in capsys.readouterr().out.splitlines() if " step" in line]
    assert "held-out accuracy, step 20" in accuracy and "51.7" in accuracy and "49.0" in accuracy
    assert all(text in accuracy for text in expected())
    assert "training reward, steps 19–20" in reward and "+0.026" in reward  # 19.5/20 of the accuracies' difference


def test_evaluations_are_paired_by_the_seed_of_their_run(tmp_path, capsys) -> None:
    main(["seeds", *sides(tmp_path, evaluation)])
    lines = [line for line in capsys.readouterr().out.splitlines() if ", step" in line]
    assert "aime24, step 300" in lines[0] and "+1.3" in lines[0]
    assert "average, step 300" in lines[-1] and all(text in lines[-1] for text in expected())


def test_a_longer_run_is_compared_where_the_shorter_one_ends(tmp_path, capsys) -> None:
    words = [str(run(tmp_path / f"a{seed}", seed, 0.5)) for seed in (0, 1)]
    words += ["--against", *(str(run(tmp_path / f"b{seed}", seed, 0.5 + seed / 100, steps=40)) for seed in (0, 1))]
    main(["seeds", *words])
    out = capsys.readouterr().out
    assert "training reward, steps 19–20" in out and "accuracy" not in out


def test_what_can_not_be_paired_says_why(tmp_path, capsys) -> None:
    a0, a1, b0 = (run(tmp_path / name, int(name[1]), 0.5) for name in ("a0", "a1", "b0"))
    other = run(tmp_path / "other", 1, 0.5, loss_mode="maspo")
    empty = tmp_path / "empty"
    empty.mkdir()
    for words, said in (
        ([a0, a1, "--against", b0], "seeds 0, 1 --against seeds 0: only the same seeds can be paired"),
        ([a0, "--against", b0], "and it takes two"),
        ([a0, b0, "--against", a1], "both have seed 0"),
        ([a0, other, "--against", a1], "differ in policy_loss"),
        ([a0, empty, "--against", a1], "empty: neither a run"),
        ([a0, evaluation(tmp_path / "e", 1, 0.5), "--against", a1], "differ in policy_loss"),
    ):
        with pytest.raises(SystemExit, match=r"^2$"):
            main(["seeds", *map(str, words)])
        assert said in " ".join(capsys.readouterr().err.split())


def test_the_sides_bear_the_methods_names_and_a_reward_its_own_scale(tmp_path, capsys) -> None:
    ours = [str(run(tmp_path / f"a{seed}", seed, value)) for seed, value in enumerate(OURS)]
    theirs = [str(run(tmp_path / f"b{seed}", seed, value, loss_mode="mine")) for seed, value in enumerate(THEIRS)]
    main(
        ["seeds", *ours, "--against", *theirs, f"--config-dir={tmp_path}"]
    )  # as of the other reports, here for nothing
    out = capsys.readouterr().out
    assert "dgpo" in out and "mine" in out and "against" not in out
    assert "+0.026 [" in next(line for line in out.splitlines() if "training reward" in line)


@pytest.mark.parametrize(
    "config", ["actor_rollout_ref: {actor: {policy_loss: dgpo}}", "actor_rollout_ref: {actor: {policy_loss: [1]}}"]
)
def test_a_config_that_is_none_is_named(tmp_path, capsys, config: str) -> None:
    words = sides(tmp_path, run)
    (tmp_path / "a0" / "config.yaml").write_text(config)
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["seeds", *words])
    assert "a0/config.yaml: its policy_loss is no section" in capsys.readouterr().err


def test_a_config_of_something_else_has_no_method(tmp_path, capsys) -> None:
    words = sides(tmp_path, run)
    for folder in tmp_path.iterdir():
        (folder / "config.yaml").write_text("actor_rollout_ref: {actor: [1]}")
    main(["seeds", *words])
    assert "against" in capsys.readouterr().out


@pytest.mark.parametrize(("key", "value"), [("avg", "NaN"), ("avg", "2"), ("seed", "1e400")])
def test_numbers_that_are_none_are_not_compared(tmp_path, capsys, key: str, value: str) -> None:
    words = sides(tmp_path, evaluation)
    file = tmp_path / "a0" / "results-ours.json"
    content = json.loads(file.read_text())
    (content["records"]["aime24"] if key == "avg" else content["run"])[key] = "HERE"
    file.write_text(json.dumps(content).replace('"HERE"', value))
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["seeds", *words])
    assert "a0/results-ours.json: no finished evaluation" in capsys.readouterr().err
