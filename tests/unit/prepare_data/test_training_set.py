"""What happens to the rows of a training set, and to its folder."""

import errno
import hashlib
import json
from pathlib import Path

import pytest
from preparation import json_lines, prepared, problems, reasons, rows

from recipes.common.errors import UserError
from recipes.prepare_data import build, parquet

IGNORE = "overlap=ignore"


def train(root: Path, file: Path, *overrides: str) -> list[dict]:
    prepared(root, "math_train", f"file={file}", *(overrides or (IGNORE,)))
    return rows(root / "data/math_train/train.parquet")


def test_a_row_is_what_verl_and_the_reward_read(tmp_path: Path) -> None:
    (row,) = train(tmp_path, problems(tmp_path / "a.jsonl", ("What is $1+1$?", 2.0)))
    assert row["prompt"] == [
        {
            "role": "user",
            "content": "What is $1+1$?\n\nPlease reason step by step, and put your final answer within \\boxed{}.",
        }
    ]
    assert (row["data_source"], row["reward_model"]) == ("math_train", {"style": "rule", "ground_truth": "2"})
    info = row["extra_info"]
    assert (info["split"], info["index"], info["id"], info["problem"]) == ("train", 0, "math_train-1", "What is $1+1$?")
    assert info["answer"] == {"unit": None, "tolerance": None, "multiple": False}


def test_a_template_is_a_choice(tmp_path: Path) -> None:
    file = problems(tmp_path / "a.jsonl", ("What is {problem}?", "2"))
    (row,) = train(tmp_path, file, IGNORE, "template=qwen_math")
    assert [one["role"] for one in row["prompt"]] == ["system", "user"]
    assert row["prompt"][1]["content"] == "What is {problem}?", "braces of a problem are its own"


def test_repetitions_go_and_contradictions_go_altogether(tmp_path: Path) -> None:
    file = problems(
        tmp_path / "a.jsonl",
        ("What is one half?", r"\frac{1}{2}"),
        ("What is  one half", "0.5"),  # another form of the same answer
        ("What is $x$?", "3"),
        ("what is x", "4"),
        ("What is 7?", None),
        ("What is 7?", "7"),  # the first one that states an answer counts
    )
    found = {row["extra_info"]["problem"]: row["reward_model"]["ground_truth"] for row in train(tmp_path, file)}
    assert found == {"What is one half?": r"\frac{1}{2}", "What is 7?": "7"}
    assert reasons(tmp_path / "data/math_train") == {"repetition": 3, "contradictory answers": 1}


def test_what_cannot_be_earned_goes(tmp_path: Path) -> None:
    file = problems(tmp_path / "a.jsonl", ("P?", "a \\text{ open"), ("Q?", ""), ("R?", None), ("  ", "3"), ("S?", "5"))
    assert [row["extra_info"]["problem"] for row in train(tmp_path, file)] == ["S?"]
    assert reasons(tmp_path / "data/math_train") == {
        "gold can't be earned": 1,
        "states no answer": 2,
        "empty problem": 1,
    }


def test_few_malformed_rows_are_reported_and_many_stop(tmp_path: Path) -> None:
    good = [{"problem": f"What is {i}?", "answer": str(i)} for i in range(199)]
    file = json_lines(tmp_path / "a.jsonl", [*good[:9], '{"problem": "cut', *good[9:]])
    assert len(train(tmp_path, file)) == 199
    assert reasons(tmp_path / "data/math_train") == {"malformed row": 1}
    entry = json.loads((tmp_path / "data/math_train/report.jsonl").read_text())
    assert (entry["row"], "is no JSON" in entry["detail"]) == (10, True)
    many = json_lines(tmp_path / "b.jsonl", [*good[:9], "no", "no", "no"])
    with pytest.raises(UserError, match=r"3 of 12 rows are malformed .*the first is row 10, which is no JSON"):
        train(tmp_path / "b", many)
    assert not (tmp_path / "b/data/math_train").exists()
    columns = json_lines(tmp_path / "c.jsonl", [{"question": "What is 1?", "answer": "1"}])
    with pytest.raises(UserError, match=r"which has no problem.*parts\.train\.columns"):
        train(tmp_path / "c", columns)


def test_nan_is_no_answer_and_half_a_character_no_problem(tmp_path: Path) -> None:
    """As data frames and JSON write them; neither may reach a data file, and neither ends in a traceback."""
    good = [{"problem": f"What is {i}?", "answer": str(i)} for i in range(400)]
    odd = ['{"problem": "What is 1+1?", "answer": NaN}', '{"problem": "What is \\ud83d?", "answer": "2"}']
    odd += ['{"problem": "What is 2+2?", "answer": "\\ud83d"}', "[" * 100_000]
    assert len(train(tmp_path, json_lines(tmp_path / "a.jsonl", [*good, *odd]), IGNORE, "malformed_limit=0.01")) == 400
    assert reasons(tmp_path / "data/math_train") == {"states no answer": 1, "malformed row": 3}


def test_the_template_of_the_source_is_removed(tmp_path: Path) -> None:
    after = " Let's think step by step and output the final answer within \\boxed{}."
    content = [{"prompt": [{"content": f"What is {i}?{after}"}], "reward_model": {"ground_truth": i}} for i in range(9)]
    file = json_lines(tmp_path / "a.jsonl", content)
    prepared(tmp_path, "bigmath", f"file={file}", IGNORE)
    found = rows(tmp_path / "data/bigmath/train.parquet")
    assert [row["extra_info"]["problem"] for row in found] == [f"What is {i}?" for i in range(9)]
    content[3]["prompt"] = [{"content": "What is 3?"}]
    with pytest.raises(UserError, match="row 4, which lacks the prompt template"):
        prepared(tmp_path / "b", "bigmath", f"file={json_lines(file, content)}", IGNORE)


LONG = "Find the number of ways to tile a board of two rows and seventeen columns with dominoes of two colours"


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    """A folder with one benchmark of two problems."""
    file = problems(tmp_path / "bench.jsonl", ("What is $2^{10}$?", "1024"), (LONG, "5"))
    gold = "parts.math500.gold={read: column, column: answer}"
    wanted = ["parts.math500.rows=2", "parts.math500.columns.id=null", f"files.math500={file}", gold]
    others = ("aime24", "aime25", "amc23", "minerva", "olympiadbench", "gsm8k")
    prepared(tmp_path, "benchmarks", *wanted, "~combined.validation", *(f"~parts.{name}" for name in others))
    return tmp_path


@pytest.mark.parametrize(("choice", "left"), [("remove", 1), ("report", 3), ("ignore", 3)])
def test_overlap(benchmark: Path, choice: str, left: int) -> None:
    near = LONG.replace("two colours", "three colours")
    file = problems(benchmark / "a.jsonl", ("what is 2^{10}", "1024"), (near, "6"), ("What is $3^3$?", "27"))
    found = train(benchmark, file, f"overlap={choice}", "overlap_with.sets=[math500]")
    assert len(found) == left
    expected = {} if choice == "ignore" else {"overlap (exact)": 1, "overlap (ngram)": 1}
    assert reasons(benchmark / "data/math_train") == expected
    if choice != "ignore":
        entry = json.loads((benchmark / "data/math_train/report.jsonl").read_text().splitlines()[0])
        assert (entry["matches"][0]["benchmark"], entry["matches"][0]["id"]) == ("math500", "math500-1")


def test_benchmarks_that_are_not_there(tmp_path: Path) -> None:
    file = problems(tmp_path / "a.jsonl", ("What is 1?", "1"))
    with pytest.raises(UserError, match=r"aime24\.parquet.*data=benchmarks.*overlap=ignore"):
        train(tmp_path, file, "overlap=remove")


def test_done_work_is_recognised_and_other_work_refused(tmp_path: Path) -> None:
    file = problems(tmp_path / "a.jsonl", ("What is 1?", "1"), ("What is 2?", "2"))
    train(tmp_path, file)
    folder = tmp_path / "data/math_train"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert "already prepared" in prepared(tmp_path, "math_train", f"file={file}", IGNORE)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    problems(file, ("What is 1?", "1"))
    for change in ([IGNORE], [IGNORE, "template=plain"]):
        with pytest.raises(UserError, match="on_existing=replace"):
            train(tmp_path, file, *change)
    assert len(rows(folder / "train.parquet")) == 2
    assert len(train(tmp_path, file, IGNORE, "on_existing=replace")) == 1
    (folder / "train.parquet").write_bytes(b"changed by hand")
    with pytest.raises(UserError, match="was changed since"):
        train(tmp_path, file)


def test_a_folder_made_by_hand_is_never_touched(tmp_path: Path) -> None:
    folder = tmp_path / "data/math_train"
    folder.mkdir(parents=True)
    (folder / "train.parquet").write_bytes(b"mine")
    file = problems(tmp_path / "a.jsonl", ("What is 1?", "1"))
    with pytest.raises(UserError, match="not prepared here"):
        train(tmp_path, file, IGNORE, "on_existing=replace")
    assert (folder / "train.parquet").read_bytes() == b"mine"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    file = problems(tmp_path / "a.jsonl", ("What is 1?", "1"), ("what is 1", "1"), ("What is 2?", "2"))
    sums = []
    for name in ("one", "two"):
        train(tmp_path / name, file)
        sums.append((tmp_path / name / "data/math_train/checksums.sha256").read_text())
    assert sums[0] == sums[1]
    for line in sums[0].splitlines():
        checksum, name = line.split("  ")
        content = (tmp_path / "one/data/math_train" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum
    assert {"train.parquet", "data_card.md", "report.jsonl", "build.json"} == {
        line.split("  ")[1] for line in sums[0].splitlines()
    }


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    file = problems(tmp_path / "a.jsonl", ("What is 1?", "1"))
    monkeypatch.setattr(build, "_write_checksums", fail)
    expected = UserError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised:
        train(tmp_path, file)
    if isinstance(error, OSError):
        assert "No space left" in str(raised.value) and "output_root=" in str(raised.value)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {".math_train.lock"}


def test_a_disk_that_fills_up_during_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device")

    monkeypatch.setattr(parquet, "write", fail)
    with pytest.raises(UserError, match="No space left"):
        train(tmp_path, problems(tmp_path / "a.jsonl", ("What is 1?", "1")))


@pytest.mark.parametrize("key", ["output_root", "raw_folder"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path, key: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"{key}=.*file is no folder\. Write {key}=<"):
        prepared(tmp_path, "math_train", f"{key}={tmp_path / 'file'}")


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing is left of 1 rows: 1 states no answer"):
        train(tmp_path, problems(tmp_path / "a.jsonl", ("What is 1?", "")))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("overlap=perhaps", "overlap=perhaps: write remove, report, ignore"),
        ("overlap_with.words=0", "words must be >= 1"),
        ("overlap_with.similarity=2", "between 0 and 1"),
        ("on_existing=delete", "keep, replace"),
        ("+parts.train.licence=x", "parts.train.*licence.*Its keys are columns"),
        ("template.messages=[{role: user, content: none}]", "exactly one of them has to hold {problem}"),
        ("parts.train.source.host=ftp", "host=ftp: write github or hub"),
        ("parts.train.source.revision=null", "needs a commit"),
        ("+parts.train.format=csv", "format=csv"),
        ("+combined.all=[nope]", "no part nope"),
        ("combined=null", "combined=null: must be a section"),
        ("+combined.a=5", r"combined\.a=5: must be a list"),
        *((f"file={value}", r"file=.*: must be text\. Write file=<text>") for value in ("5", "[a]")),
        ("difficulty=5", "difficulty=5: must be text"),
        *(
            (f"output_root={value}", r"output_root=.*: must be text\. Write output_root=<text>")
            for value in ("null", "5")
        ),
        ("raw_folder=null", "raw_folder=null: must be text"),
        *((f"name={value}", "name=") for value in ("null", "5")),
        *((f"name={value}", r"name=.*: write a name inside a folder") for value in ("../x", "..", "''", "a/b")),
        ("+parts.train.file_name=../x", "parts.train: file_name=../x: write a name inside a folder"),
        *((word, r"parts=null: is a section.*Write parts\.<key>") for word in ("parts=null", "~parts")),
        ("parts.train=null", "parts.train=null: is a section"),
        ("parts.train.gold=null", "parts.train.gold=null: is a section"),
        ("parts.train.gold.read=foo", "parts.train.gold: read=foo is unknown: write column, every"),
        ("+parts.train.rows=abc", "parts.train.rows='abc': must be an integer"),
        ("+parts.train.rows=-1", "rows=-1: write an integer >= 0"),
        ("template.messages=null", "template.messages=null: must be a list"),
        ("template.messages=[5]", r"template.messages\.0=5: must be a section"),
        ("template.messages=[{role:user}]", "template.messages: write a role and a content"),
        ("overlap_with=null", "overlap_with=null: is a section"),
        ("overlap_with.sets=null", "overlap_with.sets=null: must be a list"),
        ("overlap_with.folder=null", "overlap_with.folder=null: must be text"),
        ("overlap_with.words=abc", "overlap_with.words='abc': must be an integer"),
        ("malformed_limit=abc", "malformed_limit='abc': must be a number"),
        *((f"malformed_limit={value}", "malformed_limit=.*: write a share between 0 and 1") for value in ("nan", "-1")),
    ],
)
def test_settings_that_cannot_be_meant(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        prepared(tmp_path, "math_train", override)
