"""`python -m reward check`: what a user sees of a file of responses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import reward.__main__
from reward.check import BadFile, read_rows

ROWS = [
    {"response": r"<think>a</think> so \boxed{\frac{1}{2}}", "gold": "0.5"},
    {"response": r"<think>a \boxed{3}", "gold": "3"},
    {"output": r"so \boxed{10\text{ cm}}", "gts": r"10\text{ m}", "acc": 1.0},
    {"response": "the answer is 5", "gold": 5},
    {"response": r"\boxed{\sum_{k=1}^{3} k^2}", "gold": ["13", "14"]},
    {"response": r"\boxed{\sum_{k=1}^{10^{10}} \frac{1}{k^k}}", "gold": "2"},
    {"response": r"\boxed{3.1}", "gold": "3", "tolerance": 0.2},
]
STATUSES = ["ok", "truncated", "wrong", "no_answer", "ok", "timeout", "ok"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "responses.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n")
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reward", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_tables_the_explanations_and_the_output_file(file: Path, tmp_path: Path) -> None:
    result = run(file, "--deadline", "1", "--explain", "--output", tmp_path / "verdicts.jsonl")
    assert result.returncode == 0 and result.stderr == ""
    verdicts = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert [verdict["status"] for verdict in verdicts] == STATUSES
    assert verdicts[4]["gold"] == "14" and verdicts[4]["tier"] == "math-verify"
    words = result.stdout.split()
    assert words[words.index("ok") + 2] == "3" and words[words.index("truncated") + 2] == "1"
    assert "file holds: 1, at lines 3" in result.stdout  # its recorded acc was 1
    for line, said in ((2, "truncated"), (3, "units"), (4, "the answer is 5"), (6, "no verdict within 1.0 s")):
        explained = result.stdout.partition(f"line {line}\n")[2].partition("\nline ")[0]
        assert said in explained
    assert "line 1\n" not in result.stdout, "a row that is ok needs no explanation unless it is asked for"


def test_one_line_explained(file: Path) -> None:
    explained = run(file, "--deadline", "1", "--explain", "5").stdout.partition("line 5\n")[2]
    assert "math-verify" in explained and r"\sum_{k=1}^{3} k^2" in explained and "14" in explained
    assert "line 6" not in explained


def test_answers_outside_boxes_where_that_is_wanted(file: Path, tmp_path: Path) -> None:
    run(file, "--deadline", "1", "--any-answer", "--output", tmp_path / "verdicts.jsonl")
    assert json.loads((tmp_path / "verdicts.jsonl").read_text().splitlines()[3])["status"] == "ok"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ('{"response": "x", "gold": "1"}\n{half', "line 2: no JSON"),
        ("[" * 100_000, "line 1: no JSON"),
        ('{"text": "x", "gold": "1"}', "line 1: none of the keys response, output"),
        ('{"response": "x"}', "none of the keys gold, gts"),
        ('{"response": 5, "gold": "1"}', "line 1: the response is no text but int"),
        ('{"response": "x", "gold": ""}', "lacks an answer"),
        ('{"response": "x", "gold": "1", "tolerance": -1}', "tolerance=-1 must be a positive number"),
        ("[1]", "line 1: list where"),
    ],
)
def test_bad_files_are_refused_with_the_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(BadFile) as error:
        read_rows(path)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output", "folder"], "--output folder: Is a directory. Write"),
        (["--output", "missing/x.jsonl"], "--output missing/x.jsonl: No such file or directory. Write"),
        (["--output", "responses.jsonl"], "--output responses.jsonl: it is the file of the responses"),
        (["--deadline", "nan"], "--deadline=nan: must be a number >= 0.1. Write deadline=5.0"),
        (["--deadline", "inf"], "--deadline=inf: must be a number"),
        (["--explain", "5", "99"], "--explain 99: responses.jsonl has no response in line 99"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_scoring(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments, words
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["reward", "check", file.name, *arguments])
    monkeypatch.setattr(reward.__main__, "check_rows", lambda *_: pytest.fail("it has scored"))
    before = file.read_bytes()
    assert reward.__main__.main() == 2
    assert capsys.readouterr().err.startswith(words)
    assert file.read_bytes() == before and sorted(path.name for path in tmp_path.iterdir()) == ["folder", file.name]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path / "none.jsonl")
    assert result.returncode == 2 and "none.jsonl" in result.stderr and "Traceback" not in result.stderr
