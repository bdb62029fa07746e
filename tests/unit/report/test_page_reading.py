"""A run folder in any state gives a page, and what could not be read is said; nothing outside of the folder is read."""

import fcntl
import json
import math
import os
import re
import time

import pytest
from made_runs import Made, make

from recipes.common.errors import UserError
from recipes.inputs import cache
from recipes.report.page import responses
from recipes.report.page.ending import ending
from recipes.report.page.method_weight import weight_figure
from recipes.report.page.run_files import RunFiles
from recipes.report.page.settings import groups
from recipes.report.page.story import story


def notes_of(folder) -> str:
    return " ".join(story(RunFiles.read(folder))["notes"])


@pytest.fixture
def run(tmp_path):
    return make(tmp_path / "run", Made(steps=12, every=4))


def set_status(folder, status):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["status"] = status
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_an_empty_folder_is_a_run_that_has_not_begun(tmp_path):
    assert ending(RunFiles.read(tmp_path)).word == "waiting"
    assert "No step has been logged" in notes_of(tmp_path)


def test_a_folder_of_something_else_is_refused_and_a_run_inside_it_named(tmp_path, run):
    with pytest.raises(UserError, match=r"no folder.*Write"):
        RunFiles.read(tmp_path / "missing")
    with pytest.raises(UserError, match=str(run)):
        RunFiles.read(tmp_path)


def test_a_cut_off_line_and_values_that_are_no_numbers_are_left_out_and_said(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    spoiled = json.loads(lines[5])
    spoiled["data"] |= {"actor/grad_norm": math.nan, "actor/entropy": math.inf}
    lines[5] = json.dumps(spoiled)
    (run / "metrics.jsonl").write_text("\n".join(lines)[:-200])
    assert [row["step"] for row in RunFiles.read(run).rows] == list(range(12))
    assert "1 line of metrics.jsonl" in notes_of(run)
    assert re.search(r"2 values of the metrics are not finite, the first is actor/\w+ at step 5\.", notes_of(run))


@pytest.mark.parametrize("text", ["[]", "{", "a: &x [1]\nb: *x", "x" * 9_000_000, "[" * 100_000])
def test_a_config_that_is_none_is_said(run, text):
    (run / "config.yaml").write_text(text)
    assert "config.yaml can't be read" in notes_of(run)


def test_lines_that_are_no_responses_are_counted(run):
    file = run / "generations" / "train" / "3.jsonl"
    file.write_text(file.read_text() + 'no json\n{"output": 7}\n[1]\n' + "[" * 100_000 + "\n")
    read = responses.read(responses.response_files(run))
    assert read.broken == 4 and len(read.responses) == 12 * 16 + 4 * 16


def test_old_lines_without_status_or_length_are_understood(tmp_path):
    folder = tmp_path / "generations" / "train"
    folder.mkdir(parents=True)
    (folder / "1.jsonl").write_text(
        '{"input": "17+24=", "output": "\\\\boxed{41}", "gts": "41", "score": 1.0, "step": 1}\n'
    )
    (found,) = responses.read(responses.response_files(tmp_path)).responses
    assert (found.outcome, found.length, found.answer, found.problem) == ("right", None, "", ("17+24=", "41"))


def test_control_characters_are_visible_and_a_line_of_a_megabyte_is_cut(run):
    text = "\x1b[31mred\x1b[0m \u202eabc " + "y" * 2**20
    (run / "generations" / "train" / "1.jsonl").write_text(json.dumps({"input": "p", "output": text}) + "\n")
    first = next(one for one in responses.read(responses.response_files(run)).responses if one.step == 1)
    assert first.output.startswith("␛[31mred␛[0m ⟨U+202E⟩abc yyy")
    assert len(first.output) < 21_000 and "more characters left out" in first.output


def test_links_out_of_the_folder_are_not_followed(run, tmp_path):
    outside = tmp_path / "outside.jsonl"
    outside.write_text('{"step": 0, "data": {}}\n{"output": "secret"}\n')
    for name in ("metrics.jsonl", "generations/train/1.jsonl"):
        (run / name).unlink()
        (run / name).symlink_to(outside)
    assert RunFiles.read(run).rows == []
    assert all(one.output != "secret" for one in responses.read(responses.response_files(run)).responses)
    log = tmp_path / "outside.log"
    log.write_text("ValueError: secret\n")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["status"], manifest["attempts"][0]["log"] = "failed", "../outside.log"
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert ending(RunFiles.read(run)).cause == []


def test_a_failed_run_says_why(tmp_path):
    run = make(tmp_path / "run", Made(steps=3, status="failed"))
    found = ending(RunFiles.read(run))
    assert found.word == "failed" and "torch.OutOfMemoryError: CUDA out of memory" in found.cause[0]
    assert "\x1b" not in found.cause[0] and "␛" not in found.cause[0]


def test_running_elsewhere_and_killed_are_told_apart(run):
    set_status(run, "running")
    assert ending(RunFiles.read(run)).word == "running"  # it wrote a moment ago
    long_ago = time.time() - 7200
    for file in (run / "metrics.jsonl", run / "manifest.json", run / "logs" / "train.log"):
        os.utime(file, (long_ago, long_ago))
    assert ending(RunFiles.read(run)).word == "killed"
    with (run.parent / ".run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert ending(RunFiles.read(run)).word == "running"


def test_the_story_names_what_was_trained_and_what_came_out(run):
    told = story(RunFiles.read(run))
    assert (told["method"], told["model"], told["data"]) == ("DGPO", "Made-Up-Model", "made_up_problems")
    assert told["settings"] == ["dgpo_n=1", "dgpo_m=2", "ε = 0.2 / 0.2", "learning rate 1e-6"]
    assert {one["name"] for one in told["accuracy"]} == {"aime24", "math500", "amc23"}
    aime = told["accuracy"][0]
    assert (aime["before"]["step"], aime["after"]["step"]) == (0, 12)
    assert aime["after"]["half"] == pytest.approx(1.96 * 0.028)


def test_what_was_made_on_the_spot_bears_its_own_name(tmp_path):
    model, task = (cache.prepared_path(f"recipes.inputs.{name}.build", {}) for name in ("tiny_model", "arithmetic"))
    extra = {"actor_rollout_ref.model.path": str(model), "data.train_files": str(task / "train.parquet")}
    told = story(RunFiles.read(make(tmp_path / "run", Made(steps=1, extra=extra))))
    assert (told["model"], told["data"]) == ("tiny_model", "arithmetic")


def test_only_the_keys_that_differ_differ(tmp_path):
    one = make(tmp_path / "a", Made(steps=1))
    other = make(tmp_path / "b", Made(steps=1, extra={"actor_rollout_ref.actor.clip_ratio_high": 0.28}))
    tables = {table["title"]: table["rows"] for table in groups([RunFiles.read(one), RunFiles.read(other)])}
    different = [row for row in tables["Config"] if row[1] != row[2]]
    assert different == [["actor_rollout_ref.actor.clip_ratio_high", "0.2", "0.28"]]


def test_the_gradient_weight_has_the_runs_own_hyperparameters(tmp_path):
    extra = {"actor_rollout_ref.actor.policy_loss.dgpo_n": 3, "actor_rollout_ref.actor.clip_ratio_low": 0.5}
    figure, note = weight_figure(RunFiles.read(make(tmp_path / "run", Made(steps=1, extra=extra))))
    assert note is None and figure["region"][0] == pytest.approx(math.log(0.5), abs=2e-3)
    left = [
        (math.exp(x), w) for x, w in zip(figure["log_ratio"], figure["negative"], strict=True) if x < math.log(0.45)
    ]
    assert len(left) > 20
    for ratio, weight in left:
        assert weight == pytest.approx(ratio**4 / 0.5**3, rel=1e-3, abs=1e-4)  # r · (r / (1−ε))^n


def test_a_config_can_not_name_code_to_run(tmp_path):
    mark = tmp_path / "mark"
    extra = {"actor_rollout_ref.actor.policy_loss": {"_target_": "os.mkdir", "loss_mode": "dgpo", "path": str(mark)}}
    figure, note = weight_figure(RunFiles.read(make(tmp_path / "run", Made(steps=1, extra=extra))))
    assert figure is None and "is no method of this code" in note and not mark.exists()


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ({"score": 1.0}, True),
        ({"score": -1}, False),
        ({"score": 0.1}, None),  # partial credit: earned, but nobody said that it is right
        ({"score": 0.1, "acc": 0.1}, None),  # what verl stores for a verifier that returns a number
        ({"score": 0.1, "acc": 0.0}, False),
        ({"score": 1.1, "acc": True}, True),
    ],
)
def test_partial_credit_is_neither_right_nor_wrong(tmp_path, row, right):
    (tmp_path / "1.jsonl").write_text(json.dumps({"input": "1+1", "output": "2", **row}) + "\n")
    (found,) = responses.read([("train", 1, tmp_path / "1.jsonl")]).responses
    assert found.right is right and found.outcome == {True: "right", False: "wrong", None: "unscored"}[right]
