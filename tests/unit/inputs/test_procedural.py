"""Procedural tasks: nothing held out is trained on, difficulty is the library's, and what can't be meant is refused."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("reasoning_gym", reason="compiled at set-up, where there is a compiler")

from recipes.inputs import procedural, tiny_model, tiny_procedural


def rows(folder: Path, split: str) -> list[dict]:
    return pq.read_table(folder / f"{split}.parquet").to_pylist()


def test_two_tasks_share_the_rows_and_nothing_held_out_is_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    procedural.build(folder, tasks=["spell_backward", "gcd"], difficulty=[0, 1], train_size=80, validation_size=20)
    train, held_out = rows(folder, "train"), rows(folder, "validation")
    for part, share in ((train, 40), (held_out, 10)):
        assert [row["data_source"] for row in part] == ["spell_backward"] * share + ["gcd"] * share
    asked = [row["prompt"][0]["content"] for row in train + held_out]
    assert len(set(asked)) == 100 and all(text.endswith("\nPut your final answer within \\boxed{}.") for text in asked)
    for row in held_out:
        entry = json.loads(row["extra_info"]["entry"])
        assert row["extra_info"]["task"] == row["data_source"]
        assert row["reward_model"] == {"style": "rule", "ground_truth": entry["answer"]}
        assert row["prompt"][0]["content"].startswith(entry["question"])
    record = json.loads((folder / "build.json").read_text())
    assert record["rows"] == {"train": 80, "validation": 20} and record["versions"]["reasoning-gym"] == "0.1.25"


def test_difficulty_is_a_level_of_the_librarys_curriculum_and_options_go_before_it() -> None:
    def longest(*given: object) -> int:
        return max(len(entry["answer"]) for entry in procedural.problems("spell_backward", *given))  # type: ignore[arg-type]

    assert longest(0, 50, 0) == 3 < longest(2, 50, 0) <= 7
    assert longest(2, 50, 0, {"min_word_len": 4, "max_word_len": 4}) == 4


def test_the_seed_decides_the_problems() -> None:
    first, again, other = (procedural.problems("gcd", 0, 20, seed) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("spell_backwards", 0, 5, 0), "spell_backwards is no task of reasoning-gym. Write spell_backward"),
        (("gcd", -1, 5, 0), "difficulty of gcd: -1 is no level"),
        (("gcd", True, 5, 0), "difficulty of gcd: True is no level"),
        (("acre", 1, 5, 0), "acre has no levels of difficulty"),
        (("gcd", 0, 5, 0, {"min_number": 1}), "gcd has no option min_number. Known: "),
        (("gcd", 0, 5, 0, {"min_numbers": 0}), "gcd at difficulty 0 with options {'min_numbers': 0}: "),
        (("rush_hour", 0, 5, 0), "rush_hour: reasoning-gym does not give its own answer"),
        (
            ("chain_sum", 0, 500, 0, {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}),
            "500 are needed",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(given: tuple, says: str) -> None:
    with pytest.raises(ValueError, match="") as error:
        procedural.problems(*given)
    assert says in str(error.value)


def test_no_task_and_fewer_rows_than_tasks_are_refused(tmp_path: Path) -> None:
    for tasks in ([], "gcd", ["gcd", "lcm"]):
        with pytest.raises(ValueError, match="a list of at least one task"):
            procedural.build(tmp_path / "data", tasks=tasks, train_size=1, validation_size=1)
    with pytest.raises(ValueError, match=r"one level for all tasks, or one for each of \['gcd'\]"):
        procedural.build(tmp_path / "data", tasks=["gcd"], difficulty=[0, 1])


def test_a_tiny_model_is_pre_trained_on_the_training_rows_only(tmp_path: Path) -> None:
    data = {"tasks": ["spell_backward"], "train_size": 32, "validation_size": 8, "instruction": ""}
    tiny_procedural.build(tmp_path / "model", data=data, target_accuracy=0.0, batch_size=4)
    record = json.loads((tmp_path / "model" / "build.json").read_text())
    assert record["steps_taken"] == tiny_model.CHECK_EVERY and record["arguments"]["data"] == data
    assert (tmp_path / "model" / "model.safetensors").is_file()
    long = {**data, "tasks": ["game_of_life"]}
    with pytest.raises(ValueError, match="the tiny model has 256 positions"):
        tiny_procedural.build(tmp_path / "other", data=long, target_accuracy=0.0)
