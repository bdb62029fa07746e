"""What scripts/reproduce.sh will do, without doing it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoint_files import publish
from omegaconf import OmegaConf

from recipes import reproduce
from recipes.common.errors import UserError
from recipes.config import compose
from recipes.evaluate.__main__ import with_checkpoint
from recipes.plan import __main__ as plan
from recipes.plan import step_time
from recipes.plan.estimate import gpu_hours
from recipes.report import seed_curves


def names(cells):
    return [f"{cell.paper}/{cell.name}/{cell.seed}" for cell in cells]


def finish(cell, steps=4, checkpoint=4):
    """A run folder as training leaves it."""
    cell.run.path.mkdir(parents=True)
    OmegaConf.save(OmegaConf.create({"trainer": {"total_training_steps": 4}}), cell.run.config)
    rows = [
        {"step": step, "data": {"critic/score/mean": step / 10, "actor/entropy": 1.0}} for step in range(1, steps + 1)
    ]
    cell.run.metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    publish(cell.run.checkpoints, checkpoint)


def test_both_papers_at_toy_scale_are_twelve_methods_three_times(tmp_path):
    found = reproduce.cells(("dgpo", "maspo"), "tiny", (0, 1, 2), (), tmp_path)
    assert len(found) == 36 and len({(cell.name, cell.seed) for cell in found}) == 36
    methods = {"grpo", "cispo", "gppo", "ce_gppo", "aspo", "dgpo"}
    methods |= {"clip_higher", "dac", "entropy_adv", "bapo", "sapo", "maspo"}
    assert {cell.name for cell in found} == {f"1.5b_{method}" for method in methods}
    assert [cell.seed for cell in found] == [0] * 12 + [1] * 12 + [2] * 12


def test_the_bridge_is_five_methods_on_eight_seeds(tmp_path, capsys):
    assert reproduce.main(["both", "--scale", "bridge", "--dry-run", "--output-root", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for method in ("dgpo/1.5b_grpo", "dgpo/1.5b_cispo", "dgpo/1.5b_dgpo", "maspo/1.5b_maspo", "maspo/1.5b_sapo"):
        assert out.count(method) == 8, method
    assert out.count("from step 0") == 40


@pytest.mark.parametrize("paper, runs", [("dgpo", 14), ("maspo", 16)])
def test_a_paper_has_a_run_per_row(paper, runs, tmp_path):
    assert len(reproduce.cells((paper,), "paper", (0,), (), tmp_path)) == runs


def test_only_takes_experiments_models_and_methods(tmp_path):
    def only(*words):
        return names(reproduce.cells(("dgpo",), "paper", (0,), words, tmp_path))

    assert only("7b_dgpo") == ["dgpo/7b_dgpo/0"]
    assert only("14b") == ["dgpo/14b_grpo/0", "dgpo/14b_dgpo/0"]
    assert only("dgpo") == ["dgpo/1.5b_dgpo/0", "dgpo/7b_dgpo/0", "dgpo/14b_dgpo/0"]
    with pytest.raises(UserError, match=r"--only 70b matches none of 1.5b_grpo"):
        only("70b")


def test_what_is_done_is_known(tmp_path):
    (cell,) = reproduce.cells(("dgpo",), "tiny", (0,), ("dgpo",), tmp_path)
    assert not cell.is_trained() and not cell.is_evaluated()
    finish(cell, checkpoint=2)
    assert not cell.is_trained()
    publish(cell.run.checkpoints, 4)
    assert cell.is_trained() and not cell.is_evaluated()
    results = tmp_path / "evaluations" / "dgpo-1.5b_dgpo-tiny-seed0-step4-arithmetic"
    results.mkdir(parents=True)
    (results / "results-ours.json").write_text("{}")
    assert cell.is_evaluated()


def test_a_dry_run_starts_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reproduce, "finish", lambda _: pytest.fail("started something"))
    monkeypatch.setenv("COLUMNS", "200")
    assert reproduce.main(["dgpo", "--only", "1.5b_dgpo,1.5b_grpo", "--dry-run", "--output-root", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "dgpo/1.5b_dgpo" in out and "GPU-hours" in out
    for name, data in reproduce.SMALL.items():
        assert f"recipes.train experiment={name} " in out
        assert all(f"recipes.prepare_data data={one}\n" in out for one in data)
    assert not list(tmp_path.iterdir())
    assert reproduce.main(["dgpo", "--scale", "tiny", "--dry-run", "--output-root", str(tmp_path)]) == 0
    page = (Path(__file__).resolve().parents[2] / "docs" / "results" / "tiny.md").read_text()
    minutes = re.search(r"A training of 40 steps took (\S+) minutes", page)
    assert minutes is not None and minutes[0] in capsys.readouterr().out, "as measured"


def test_overrides_stand_after_two_dashes_behind_other_options():
    arguments = reproduce._arguments(["dgpo", "--only", "7b", "--dry-run", "--", "trainer.nnodes=4"])
    assert (arguments.only, arguments.dry_run, arguments.overrides) == ("7b", True, ["trainer.nnodes=4"])


def test_a_failure_does_not_keep_the_rest_from_running(tmp_path, monkeypatch, capsys):
    started = []

    def pretend(words):
        started.append(words[2:4])
        return 1 if "experiment=dgpo/1.5b_grpo" in words else 0

    monkeypatch.setattr(reproduce, "finish", pretend)
    words = ["dgpo", "--scale", "tiny", "--only", "1.5b_grpo,1.5b_dgpo", "--seeds", "5", "--output-root", str(tmp_path)]
    assert reproduce.main(words) == 1
    assert started == [
        ["recipes.train", "experiment=dgpo/1.5b_grpo"],
        ["recipes.train", "experiment=dgpo/1.5b_dgpo"],
        ["recipes.evaluate", f"model={tmp_path}/dgpo/1.5b_dgpo-tiny-seed5"],
    ]
    out = capsys.readouterr().out
    assert "failed: train dgpo/1.5b_grpo seed 5 (exit code 1)" in out
    assert (tmp_path / "tables" / "tiny.md").is_file()


def test_what_this_machine_refuses_is_not_tried_again_for_every_cell(tmp_path, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(reproduce, "finish", lambda words: started.append(words) or 2)
    words = ["dgpo", "--scale", "tiny", "--only", "1.5b_grpo,1.5b_dgpo", "--output-root", str(tmp_path)]
    assert reproduce.main(words) == 1
    assert len(started) == 1 and "cure what stands above" in capsys.readouterr().out


ORDERLY = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, save)
print("training", flush=True)
time.sleep(60)
"""


def test_a_stopped_reproduction_lets_its_training_end_in_order():
    code = (
        "import sys\n"
        "from recipes import reproduce\n"
        "from recipes.common.command import command\n"
        "with command('Interrupted.'):\n"
        "    reproduce.finish([sys.executable, '-c', sys.argv[1]])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, ORDERLY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as whole:
        assert whole.stdout.readline() == "training\n"
        whole.terminate()
        out, err = whole.communicate(timeout=60)
    assert (out, err, whole.returncode) == ("saved\n", "Interrupted.\n", 130)


@pytest.mark.parametrize(
    "words, message",
    [
        (["--seeds", "one"], "--seeds one: write whole numbers"),
        (["--seeds", ""], "--seeds : write whole numbers"),
        (["--seeds", "-1"], "--seeds -1: a seed is a whole number from 0"),
        (["--seeds", "0,1,0"], "--seeds 0,1,0: one of them stands there twice. Write --seeds 0,1."),
        (["--only", ""], "--only : names nothing. Write --only 7b_dgpo"),
        (["--output-root", __file__], "is no folder. Write --output-root=outputs"),
        (["--output-root="], "--output-root: it is empty. Write a path"),
        (["--", "trainer.nnodes=0"], "trainer.nnodes=0: must be an integer >= 1. Write trainer.nnodes=1."),
        (["--", "trainer.nnodes=abc"], "trainer.nnodes='abc': must be an integer >= 1"),
        (["--scale", "tiny", "--", "data.max_response_length=0"], "data.max_response_length=0: must be an integer"),
        (["--", "output_root=elsewhere"], "Write --output-root and --seeds before the --"),
    ],
)
def test_bad_input_is_refused_by_a_dry_run_too(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"^2$"):
        reproduce.main(["dgpo", "--only", "1.5b_dgpo", "--dry-run", *words])
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", ["plain", "a=b", "a,b", "it's", "[a", "(a", "ü{x"])
def test_a_folder_of_any_name_reaches_both_commands(name, tmp_path):
    root = tmp_path / name
    (cell,) = reproduce.cells(("dgpo",), "tiny", (0,), ("dgpo",), root)
    cell.check([])
    words = with_checkpoint(cell.evaluation()[3:])
    config = compose.compose(words, compose.EVALUATE)
    assert (config.output_root, config.checkpoint) == (str(root), str(cell.run.path))


def test_a_home_behind_an_equals_sign_is_nobodys_folder(tmp_path, monkeypatch, capsys):
    """A shell leaves ~ there as it is; tables once went into a folder of that name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    started = []
    monkeypatch.setattr(reproduce, "finish", lambda words: started.append(words) or 1)
    reproduce.main(["dgpo", "--scale", "tiny", "--only", "1.5b_dgpo", "--seeds", "0", "--output-root=~/x"])
    assert f"output_root='{tmp_path}/home/x'" in started[0]
    assert (tmp_path / "home" / "x" / "tables" / "tiny.md").is_file() and not (tmp_path / "~").exists()


def test_gpu_hours_are_the_plans():
    """1.5B: 300 steps as planned, and 49,504 responses of the evaluation, which cost what 6 steps of sampling do."""
    low, high = gpu_hours("dgpo/1.5b_dgpo", "paper")
    one = plan.of(plan.request(["experiment=dgpo/1.5b_dgpo"]))
    best, worst = step_time.span(one.model, one.gpu, one.run)
    for found, step in ((low, best), (high, worst)):
        training = step_time.gpu_hours(one.run, step)
        sampling = 32 * 1547 / (512 * 16) * step.seconds["generation"] * 8 / 3600
        assert training < found < training + sampling
        assert found == pytest.approx(training + sampling, rel=0.01)
    assert low < high
    assert gpu_hours("dgpo/1.5b_dgpo", "tiny") is None
    assert gpu_hours("dgpo/1.5b_dgpo", "paper", ["trainer.total_training_steps=150"])[0] < 0.6 * low


def test_curves_are_means_over_seeds(tmp_path):
    for cell in reproduce.cells(("dgpo",), "tiny", (0, 1), ("grpo", "dgpo"), tmp_path):
        finish(cell, steps=4 + cell.seed)
    rewards, _ = seed_curves.read(tmp_path, "tiny")
    assert {method: len(curves) for method, curves in rewards.items()} == {"grpo": 2, "dgpo": 2}
    steps, mean, low, high = seed_curves.band([{1: 0.0, 2: 1.0, 3: 5.0}, {1: 1.0, 2: 1.0}])
    assert list(steps) == [1, 2] and list(mean) == [0.5, 0.75] and list(low) == [0.0, 0.5] and list(high) == [1.0, 1.0]
    assert (
        seed_curves.draw(tmp_path, "tiny", tmp_path / "curves.png") and (tmp_path / "curves.png").stat().st_size > 5000
    )
    assert not seed_curves.draw(tmp_path, "paper", tmp_path / "none.png")
