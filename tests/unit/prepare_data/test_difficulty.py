"""`difficulty=`: problems filtered by what an evaluation measured; everything of the way but vLLM."""

import json
from pathlib import Path

import pytest
from preparation import prepared, problems, reasons, rows

from recipes.common.errors import UserError
from recipes.config.compose import EVALUATE, compose
from recipes.evaluate.session import run_evaluation

SAMPLES = 10
RIGHT = [0, 1, 5, 9, 10]  # samples of each problem


def prepare(root: Path, *overrides: str) -> str:
    pairs = [(f"What is {number} + 1?", str(number + 1)) for number in range(len(RIGHT))]
    file = problems(root / "a.jsonl", *pairs)
    return prepared(root, "math_train", f"file={file}", "overlap=ignore", "on_existing=replace", *overrides)


def written(root: Path) -> list[str]:
    return [row["extra_info"]["id"] for row in rows(root / "data/math_train/train.parquet")]


def evaluate(root: Path, *words: str) -> Path:
    """Score made responses of the training set; return the evaluation's folder."""
    made = [
        {"benchmark": "train", "problem": f"math_train-{number + 1}", "sample": sample}
        | {"response": rf"\boxed{{{number + 1 if sample < right else -1}}}"}
        for number, right in enumerate(RIGHT)
        for sample in range(SAMPLES)
    ]
    (root / "made.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    overrides = ["eval=quick", f"output_root={root}", f"responses={root / 'made.jsonl'}", "name=difficulty"]
    overrides += [f"+eval.files.train={root}/data/math_train/train.parquet", f"eval.samples={SAMPLES}", *words]
    overrides += [] if words else ["eval.benchmarks=[train]"]
    assert run_evaluation(compose(overrides, EVALUATE)) == 0
    return root / "evaluations/difficulty"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation's folder."""
    root = tmp_path_factory.mktemp("measured")
    prepare(root)
    return evaluate(root)


@pytest.mark.parametrize(
    ("band", "left"),
    [
        ("[0.1,0.9]", [2, 3, 4]),
        ("[0.0,0.5]", [1, 2, 3]),
        ("[0.11,0.89]", [3]),
        ("[0,1]", [1, 2, 3, 4, 5]),
    ],
)
def test_problems_of_the_wanted_difficulty_are_left(tmp_path: Path, measured: Path, band: str, left: list[int]) -> None:
    prepare(tmp_path, f"difficulty={measured}", f"keep_right_share={band}")
    assert written(tmp_path) == [f"math_train-{number}" for number in left]


def test_the_card_and_the_report_say_what_was_dropped(tmp_path: Path, measured: Path) -> None:
    said = prepare(tmp_path, f"difficulty={measured}/results-ours.json")
    folder = tmp_path / "data/math_train"
    assert "measured by" in said and "1 too few right answers, 1 too many right answers" in said
    assert reasons(folder) == {"too few right answers": 1, "too many right answers": 1}
    shares = [json.loads(line)["share"] for line in (folder / "report.jsonl").read_text().splitlines()]
    assert shares == [0.0, 1.0]
    card = (folder / "data_card.md").read_text()
    for words in (
        "## Difficulty",
        f"{SAMPLES} samples per problem, verifier ours",
        "from 0.1 to 0.9, both included; their mean share is 0.500",
        "| 0 | 1 |",
        "| 0.1 to 0.2 | 1 |",
        "| 0.9 to 1.0 | 1 |",
        "| 1 | 1 |",
        "| train | dropped | too few right answers | 1 |",
    ):
        assert words in card
    assert "before difficulty= | written" in card


def test_what_was_not_measured_is_dropped(tmp_path: Path) -> None:
    prepare(tmp_path)
    folder = evaluate(tmp_path, "eval.benchmarks=[train]", "eval.max_problems=3")
    prepare(tmp_path, f"difficulty={folder}", "keep_right_share=[0,1]")
    assert written(tmp_path) == ["math_train-1", "math_train-2", "math_train-3"]
    assert reasons(tmp_path / "data/math_train") == {"not measured": 2}


def test_the_same_choice_is_done_already_and_another_is_not(tmp_path: Path, measured: Path) -> None:
    chosen = f"difficulty={measured}"
    assert "already prepared" not in prepare(tmp_path, chosen)
    assert "already prepared" in prepare(tmp_path, chosen)
    assert "already prepared" not in prepare(tmp_path, chosen, "keep_right_share=[0.2,0.9]")
    assert "already prepared" not in prepare(tmp_path)


def test_other_problems_are_refused(tmp_path: Path, measured: Path) -> None:
    """Rows have the same ids whatever the file: one that has other problems must not pass."""
    with pytest.raises(UserError, match=r"other problems were measured than the first 5 of this set in template=plain"):
        prepare(tmp_path, f"difficulty={measured}", "template=plain")
    other = problems(tmp_path / "b.jsonl", *((f"What is {number} + 2?", str(number + 2)) for number in range(5)))
    with pytest.raises(UserError, match="other problems were measured"):
        prepare(tmp_path, f"difficulty={measured}", f"file={other}")
    assert not (tmp_path / "data/math_train").exists()


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["difficulty=nowhere"], r"difficulty=nowhere: no results of python -m recipes\.evaluate"),
        (["difficulty=a.jsonl"], r"difficulty=a\.jsonl: no results of"),
        (["keep_right_share=[0.9,0.1]"], r"keep_right_share=\[0\.9, 0\.1\]: write two numbers"),
        (["keep_right_share=0.5"], r"keep_right_share=0\.5: write two numbers"),
    ],
)
def test_bad_choices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], says: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        prepare(tmp_path, *overrides)


def test_an_evaluation_of_several_sets_is_refused(tmp_path: Path) -> None:
    prepare(tmp_path)
    train = tmp_path / "data/math_train/train.parquet"
    folder = evaluate(tmp_path, f"+eval.files.other={train}", "eval.benchmarks=[train,other]")
    with pytest.raises(UserError, match=r"an evaluation of train, other\. Evaluate the training set alone"):
        prepare(tmp_path, f"difficulty={folder}")


def test_a_benchmark_keeps_every_row(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a benchmark may not lose a row"):
        prepared(tmp_path, "benchmarks", "difficulty=x")
