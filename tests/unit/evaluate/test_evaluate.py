"""The whole command on responses that are there already: everything but vLLM."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from recipes.common.errors import UserError
from recipes.config.compose import EVALUATE, compose
from recipes.evaluate import identity, sampling
from recipes.evaluate.__main__ import with_checkpoint
from recipes.evaluate.evaluation import evaluation_of
from recipes.evaluate.row_file import key_of, read_rows
from recipes.evaluate.session import run_evaluation
from recipes.runs.evaluation_folder import EvaluationFolder
from reward import self_test

GOLDS = {"0": "1/2", "1": "7", "2": "x+1"}


def problem_row(name: str, gold, **answer):
    return {
        "data_source": "toy",
        "prompt": [{"role": "user", "content": f"Problem {name}?"}],
        "reward_model": {"style": "rule", "ground_truth": gold},
        "extra_info": {"id": name, "answer": {"unit": None, **answer}},
    }


@pytest.fixture
def toy(tmp_path):
    pq.write_table(pa.Table.from_pylist([problem_row(*one) for one in GOLDS.items()]), tmp_path / "toy.parquet")
    return tmp_path


def response_file(folder: Path, samples: int = 4, right=lambda problem, sample: sample == 0) -> Path:
    file = folder / "made.jsonl"
    rows = [
        {
            **{"benchmark": "toy", "problem": problem, "sample": sample},
            "response": rf"So \boxed{{{gold if right(problem, sample) else 99}}}",
        }
        for problem, gold in GOLDS.items()
        for sample in range(samples)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def overrides(folder: Path, *words: str) -> list[str]:
    found = ["eval=quick", f"output_root={folder}", f"responses={folder / 'made.jsonl'}", "name=toy"]
    return [*found, f"+eval.files.toy={folder / 'toy.parquet'}", "eval.benchmarks=[toy]", "eval.samples=4", *words]


def evaluate(folder: Path, *words: str) -> dict:
    """Run it; returns the records of the first verifier."""
    assert run_evaluation(compose(overrides(folder, *words), EVALUATE)) == 0
    return json.loads((folder / "evaluations" / "toy" / "results-ours.json").read_text())["records"]


def test_responses_are_scored_and_counted(toy):
    response_file(toy)
    records = evaluate(toy)
    assert records["toy"]["avg"] == 0.25 and records["toy"]["pass"]["4"] == 1.0
    rows = list(read_rows(toy / "evaluations" / "toy" / "samples.jsonl"))
    assert len(rows) == 12 and rows[0]["golds"] == ["1/2"] and rows[0]["prompt"][0]["content"] == "Problem 0?"


def test_done_again_nothing_changes_and_only_what_lacks_a_verdict_is_scored(toy):
    response_file(toy)
    first = evaluate(toy)
    verdicts = toy / "evaluations" / "toy" / "verdicts-ours.jsonl"
    lines = verdicts.read_bytes().splitlines(keepends=True)
    verdicts.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    assert evaluate(toy) == first
    assert len({key_of(row) for row in read_rows(verdicts)}) == 12


def test_where_the_scorer_does_not_work_nothing_is_sampled(toy, monkeypatch):
    """Or every response would count as wrong."""
    response_file(toy)
    monkeypatch.setattr(self_test, "CASES", (("7", "8", "ok"),))
    self_test.self_test.cache_clear()
    with pytest.raises(UserError, match="The scorer fails its self-test: 7 against 8 is 'wrong', not 'ok'"):
        evaluate(toy)
    assert not (toy / "evaluations").exists()


def test_comparisons_that_came_to_no_end_are_said(toy, capsys):
    response_file(toy)
    evaluate(toy)
    verdicts = toy / "evaluations" / "toy" / "verdicts-ours.jsonl"
    verdicts.write_text(verdicts.read_text().replace('"status": "ok"', '"status": "crashed"', 1))
    evaluate(toy)
    said = " ".join(capsys.readouterr().out.split())
    assert "ours: 1 comparisons came to no end (timeout or crashed) and count as wrong" in said
    assert f"to try them again remove {verdicts}" in said


def test_the_log_of_an_attempt_that_was_killed_is_cleaned(toy):
    response_file(toy)
    evaluate(toy)
    folder = EvaluationFolder(toy / "evaluations" / "toy")
    content = {**folder.manifest.content, "status": "running"}
    (folder.path / "manifest.json").write_text(json.dumps(content))
    folder.log.write_text("api_key=abcdefgh\n")
    evaluate(toy)
    assert folder.log.read_text() == "api_key=***\n"


def test_missing_responses_are_said(toy, capsys):
    file = response_file(toy)
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    assert evaluate(toy)["toy"]["missing"] == 1
    assert "1 of 12 samples are missing and left out, not counted as wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    "word, says",
    [
        ("eval.temperature=0.7", "temperature: 0.6 there, 0.7 now"),
        ("eval.max_problems=2", "problems_sha256"),
        ("eval.max_response_tokens=100", "max_response_tokens: 4096 there, 100 now"),
    ],
)
def test_another_set_up_is_not_mixed_in(toy, word, says):
    response_file(toy)
    evaluate(toy)
    with pytest.raises(UserError, match=says):
        evaluate(toy, word)


def test_more_samples_and_other_verifiers_go_on_in_the_same_folder(toy):
    response_file(toy)
    assert evaluate(toy)["toy"]["samples"] == 4
    response_file(toy, samples=8)
    assert evaluate(toy, "eval.samples=8", "eval.verifiers=[ours,math_verify,prime_math]")["toy"]["avg"] == 0.125
    folder = toy / "evaluations" / "toy"
    for name in ("math_verify", "prime_math"):
        assert json.loads((folder / f"results-{name}.json").read_text())["records"]["toy"]["avg"] == 0.125


@pytest.mark.parametrize(
    "word, says",
    [
        ("eval.pass_at=[8]", r"eval.pass_at=8: Pass@8 can't be estimated from eval.samples=4. Write eval.samples=8"),
        ("eval.benchmarks=[aime26]", "eval.benchmarks: aime26 is unknown; there are aime24, amc23, math500, toy"),
        ("eval.benchmarks=toy", r"eval.benchmarks='toy': must be null or a list"),
        ("eval.samples=0", "eval.samples=0: must be an integer >= 1. Write eval.samples=32"),
        ("eval.verifiers=[theirs]", "eval.verifiers=theirs: is unknown; there are ours, prime_math, math_verify"),
        ("eval.temperature=0", "eval.temperature=0 draws the same response every time, but eval.samples=4"),
        ("eval.top_p=0", r"eval.top_p=0: must be a number in \(0, 1\]"),
        ("responses=nowhere.jsonl", "responses=nowhere.jsonl: there is no such file"),
        ("eval.benchmarks=[[toy]]", r"eval.benchmarks=\[\['toy'\]\]: must be null or a list of names"),
        ("eval.verifiers=[[ours]]", r"eval.verifiers=\[\['ours'\]\]: must be a list of ours"),
        ("eval.require_box=abc", "eval.require_box='abc': must be true or false"),
        ("eval.seed=-1", "eval.seed=-1: must be null or an integer >= 0"),
        ("~eval.samples", "eval.samples=null: must be an integer >= 1"),
        ("~eval.files", "eval.files is empty: write eval=paper"),
        ("eval.files=null", r"eval.files=null: is a section.*Write eval.files.<key>=<value>"),
        *(
            (f"eval.files.amc23={value}", "eval.files.amc23=.*: must be a parquet file")
            for value in ("null", "5", "[a]")
        ),
        ("+eval.foo=1", "eval.foo: there is no such key"),
        ("+eval.temperatur=1", "Write eval.temperature"),
        *(
            (f"output_root={value}", "output_root=.*: must be a folder. Write output_root=outputs")
            for value in ("null", "5")
        ),
        *(
            (f"name={value}", "name=.*: must be null or the name of a folder inside output_root")
            for value in ("5", "a/b", "..", "''")
        ),
        ("name=taken", r"evaluations.taken can't be written to \(Not a directory\).*name=<a new name>"),
        ("eval_name=a/b", "eval_name='a/b': must be the name of a folder"),
        *((f"responses={value}", "responses=.*: must be null or a JSON-lines file") for value in ("5", "[a]")),
        ("checkpoint=5", "checkpoint=5: must be null or a folder or a hub id"),
        ("ray_kwargs=null", "ray_kwargs=null: is a section"),
        ("actor_rollout_ref.rollout.tensor_model_parallel_size=0", "tensor_model_parallel_size=0: must be an integer"),
        ("actor_rollout_ref.rollout.gpu_memory_utilization=abc", "gpu_memory_utilization='abc': must be a number"),
        ("actor_rollout_ref.rollout.max_num_seqs=0", "max_num_seqs=0: must be an integer >= 1"),
        ("actor_rollout_ref.rollout.dtype=foo", "rollout.dtype='foo': must be one of auto"),
        ("trainer.n_gpus_per_node=abc", "trainer.n_gpus_per_node='abc': must be an integer >= 1"),
        ("eval.benchmarks=[amc23]", "eval.files.amc23=data.benchmarks.amc23.parquet: there is no such file"),
    ],
)
def test_bad_input_is_one_sentence(toy, word, says):
    response_file(toy)
    (toy / "evaluations").mkdir()
    (toy / "evaluations" / "taken").touch()
    with pytest.raises(UserError, match=says):
        evaluate(toy, word)


@pytest.mark.parametrize(
    "row, says",
    [
        (problem_row("3", ""), "row 3: gold=''"),
        ({**problem_row("3", "1"), "prompt": []}, "row 3: the prompt is empty"),
        ({**problem_row("3", "1"), "prompt": [{"role": None, "content": "3?"}]}, "row 3: the prompt is .*role"),
        ({**problem_row("3", "1"), "prompt": [{"role": "user", "content": ""}]}, "row 3: the prompt is empty"),
        (problem_row("2", "1"), "extra_info.id is the same for several problems"),
        (
            {**problem_row("3", "1"), "extra_info": {"task": "gcd", "entry": "{}"}},
            "row 3 is a procedural task.*test_freq",
        ),
    ],
)
def test_malformed_problems_are_named(toy, row, says):
    response_file(toy)
    rows = [problem_row(*one) for one in GOLDS.items()]
    pq.write_table(pa.Table.from_pylist([*rows, row]), toy / "toy.parquet")
    with pytest.raises(UserError, match=says):
        evaluate(toy)


@pytest.mark.parametrize(
    "changed, says",
    [
        ({"extra_info": 5}, "row 0: extra_info=5 is no mapping. Write "),
        ({"extra_info": "a"}, "row 0: extra_info='a' is no mapping. Write "),
        ({"reward_model": {"ground_truth": float("nan")}}, "row 0: .*nothing a model writes can earn it. Write "),
        ({"reward_model": {"ground_truth": [[1.0]]}}, "row 0: .*nothing a model writes can earn it. Write "),
    ],
)
def test_what_training_refuses_is_refused_alike(toy, changed, says):
    response_file(toy)
    pq.write_table(pa.Table.from_pylist([{**problem_row("0", "1"), **changed}]), toy / "toy.parquet")
    with pytest.raises(UserError, match=says):
        evaluate(toy)


def test_responses_that_are_none_of_those_asked_for_are_refused(toy):
    file = response_file(toy)
    file.write_text(file.read_text().replace('"sample": 3', '"sample": 4', 1))
    with pytest.raises(UserError, match=r"row 4: sample 4, and eval.samples=4 asks for 0 to 3.*Write eval.samples=5"):
        evaluate(toy)
    for content in ("", "\n"):
        file.write_text(content)
        with pytest.raises(UserError, match=r"made.jsonl: no rows. Write responses="):
            evaluate(toy, "name=another")


def test_malformed_responses_are_named(toy):
    response_file(toy).write_text('{"benchmark": "toy", "problem": "0", "sample": 0, "response": 7}\n')
    with pytest.raises(UserError, match=r"line 1: no row with .*response is int"):
        evaluate(toy)


def import_responses(folder: Path, *words: str) -> list[dict]:
    """Read the responses without scoring them; returns the rows that are kept."""
    evaluation = evaluation_of(compose(overrides(folder, *words), EVALUATE))
    sampling.complete(evaluation, Console())
    return list(read_rows(evaluation.folder.samples))


def test_responses_to_other_problems_are_said(toy, capsys):
    file = response_file(toy)
    other = '{"benchmark": "aime24", "problem": "60", "sample": 0, "response": "7"}\n'
    file.write_text(file.read_text() + other)
    assert len(import_responses(toy)) == 12
    said = " ".join(capsys.readouterr().out.split())
    assert "1 rows are of no problem here, for one 60 of aime24; they are left out" in said
    file.write_text(other)
    with pytest.raises(UserError, match=r"1 rows are of no problem here.*and none is\. Write benchmark \(toy\)"):
        import_responses(toy, "name=another")


def test_two_responses_for_one_sample_are_refused(toy):
    file = response_file(toy)
    rows = file.read_text()
    file.write_text(rows + rows.splitlines()[0] + "\n")
    assert len(import_responses(toy)) == 12, "the same twice is the same"
    file.write_text(rows.replace("1/2", "1/3"))
    with pytest.raises(UserError, match="row 1: sample 0 of problem 0 of toy has another response"):
        import_responses(toy)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"model": "a', b"\xff"], ids=range(4))
def test_a_damaged_identity_is_named(tmp_path, content):
    (tmp_path / "identity.json").write_bytes(content)
    (tmp_path / "samples.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match=r"identity\.json is damaged"):
        identity.refuse_other(tmp_path / "identity.json", {"model": "a"}, tmp_path / "samples.jsonl")


def test_samples_of_which_nobody_knows_what_they_are_of_are_refused(tmp_path):
    file, samples = tmp_path / "identity.json", tmp_path / "samples.jsonl"
    samples.write_text("{}\n")
    with pytest.raises(UserError, match=r"identity\.json is missing.*samples\.jsonl.*name="):
        identity.refuse_other(file, {"model": "a"}, samples)
    samples.write_text("")
    identity.refuse_other(file, {"model": "a"}, samples)
    samples.write_text("{}\n")
    identity.refuse_other(file, {"model": "a"}, samples)
    with pytest.raises(UserError, match="model: 'a' there, 'b' now"):
        identity.refuse_other(file, {"model": "b"}, samples)


def test_where_nothing_was_sampled_another_set_up_may_follow(tmp_path):
    """As after a first try whose lengths the model could not hold."""
    file, samples = tmp_path / "identity.json", tmp_path / "samples.jsonl"
    samples.touch()
    for model in ("a", "b"):
        identity.refuse_other(file, {"model": model}, samples)
        assert identity.read(file) == {"model": model}
    (tmp_path / "verdicts-ours.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match="model: 'b' there, 'a' now"):
        identity.refuse_other(file, {"model": "a"}, samples)


def test_a_choice_of_ones_own_is_no_checkpoint(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").touch()
    words = [f"--config-dir={tmp_path}", "model=mine"]
    assert with_checkpoint(words) == words and with_checkpoint(words[1:]) == ["checkpoint='mine'"]


def test_what_is_no_choice_is_a_checkpoint():
    words = ["model=tiny", "model=outputs/a=b/c", "eval=paper", "model=owner/name"]
    assert with_checkpoint(words) == [
        "model=tiny",
        "checkpoint='outputs/a=b/c'",
        "eval=paper",
        "checkpoint='owner/name'",
    ]


def test_the_command_line(toy):
    response_file(toy)
    command = [sys.executable, "-m", "recipes.evaluate", f"output_root={toy}", f"responses={toy / 'made.jsonl'}"]
    command += [f"+eval.files.toy={toy / 'toy.parquet'}", "eval.benchmarks=[toy]", "eval.samples=4"]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0, done.stderr
    assert "Avg@4" in done.stdout and "25.0" in done.stdout
    bad = subprocess.run([*command, "eval.pass_at=[8]"], capture_output=True, text=True, cwd=root)
    assert bad.returncode == 2 and bad.stderr.startswith("Error: eval.pass_at=8") and "Traceback" not in bad.stderr
