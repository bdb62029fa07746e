"""The public files themselves, where they are at hand: exact numbers, and every benchmark's gold earns the reward."""

import asyncio
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from preparation import prepared, reasons, rows
from reward_data import FOLDER, needs_data

from recipes.prepare_data.similarity import exact_key
from reward.verl_entry import compute_score

pytestmark = needs_data

SIZES = {"aime24": 30, "aime25": 30, "amc23": 40, "math500": 500, "minerva": 272, "olympiadbench": 675, "gsm8k": 1319}
FILES = {
    "aime24": "aime24.jsonl",
    "aime25": "aime25.parquet",
    "amc23": "amc23.jsonl",
    "math500": "math500.jsonl",
    "minerva": "minerva.jsonl",
    "minerva_alternatives": "minerva_alternative_golds.json",
    "olympiadbench": "olympiadbench.jsonl",
    "gsm8k": "gsm8k_test.jsonl",
}
# Golds of benchmarks that a model can't earn by writing them: none. An entry here is (benchmark, id).
UNEARNABLE: set[tuple[str, str]] = set()
# rows read → written, and what was dropped or listed, with overlap=remove.
TRAINING: dict[str, tuple[str, int, dict[str, int]]] = {
    "math_train": (
        "math_train.json",
        7380,
        {
            "repetition": 5,
            "states no answer": 4,
            "overlap (ngram)": 85,
            "n-gram in common, but another problem": 117,
        },
    ),
    "aime_1983_2023": (
        "aime_1983_2023.json",
        960,
        {"overlap (exact)": 6, "overlap (ngram)": 9, "n-gram in common, but another problem": 181},
    ),
    "bigmath": (
        "bigmath_rl_5000.parquet",
        4950,
        {
            "repetition": 27,
            "states no answer": 1,
            "gold can't be earned": 13,
            "overlap (exact)": 1,
            "overlap (ngram)": 8,
            "n-gram in common, but another problem": 2,
        },
    ),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared benchmarks, under data/benchmarks."""
    folder = tmp_path_factory.mktemp("public")
    given = [f"files.{key}={os.environ[FOLDER]}/benchmarks/{name}" for key, name in FILES.items()]
    prepared(folder, "benchmarks", *given)
    return folder


@cache
def benchmark(root: Path, name: str) -> list[dict[str, Any]]:
    return rows(root / f"data/benchmarks/{name}.parquet")


def test_every_benchmark_has_every_row(root: Path) -> None:
    assert {name: len(benchmark(root, name)) for name in SIZES} == SIZES
    assert reasons(root / "data/benchmarks") == {"alternative answer refused": 53}, "no gold is missing or unearnable"
    validation = benchmark(root, "validation")
    assert validation == benchmark(root, "aime24") + benchmark(root, "aime25") + benchmark(root, "amc23")


def test_the_public_files_are_the_pinned_ones(root: Path) -> None:
    """The card gives a revision only where the checksum of the configuration holds."""
    card = (root / "data/benchmarks/data_card.md").read_text()
    assert "unknown" not in card and "a local file" not in card


def test_every_gold_of_a_benchmark_earns_the_reward(root: Path) -> None:
    """Through the function verl calls, with what Parquet returns; each accepted form on its own."""

    async def failing() -> set[tuple[str, str]]:
        found = set()
        for name in SIZES:
            for row in benchmark(root, name):
                golds, info = row["reward_model"]["ground_truth"], row["extra_info"]
                for gold in golds:
                    verdict = await compute_score(name, rf"So \boxed{{{gold}}}.", golds, info)
                    if verdict["score"] != 1.0:
                        found.add((name, info["id"]))
        return found

    assert asyncio.run(failing()) == UNEARNABLE


def test_every_part_of_a_multiple_answer_is_required(root: Path) -> None:
    several = [row for row in benchmark(root, "olympiadbench") if row["extra_info"]["answer"]["multiple"]]
    assert len(several) == 94
    row = next(row for row in several if row["reward_model"]["ground_truth"] == ["2500,7500"])
    scores = {
        answer: asyncio.run(compute_score("olympiadbench", rf"\boxed{{{answer}}}", ["2500,7500"], row["extra_info"]))
        for answer in ("7500, 2500", "2500", "2500,7501", "25007500")
    }
    assert [scores[answer]["score"] for answer in scores] == [1.0, 0.0, 0.0, 0.0]


def test_the_traps_of_the_sources(root: Path) -> None:
    golds = {name: [row["reward_model"]["ground_truth"] for row in benchmark(root, name)] for name in SIZES}
    numbers = [gold for name in ("aime24", "aime25", "amc23") for (gold,) in golds[name]]
    assert all(gold == str(int(gold)) for gold in numbers), "no leading zeros, no floats, no degrees"
    assert ["25"] in golds["aime24"] and ["336"] in golds["aime25"]
    assert golds["aime24"].count(["197"]) == golds["aime24"].count(["480"]) == 1, "another copy says 480 twice"
    assert sum(len(accepted) > 1 for accepted in golds["minerva"]) == 92
    assert all("4.4e7" not in accepted for accepted in golds["minerva"] if "0.53" in accepted), "another subproblem's"
    answers = [row["extra_info"]["answer"] for row in benchmark(root, "olympiadbench")]
    assert sum(answer["unit"] is not None for answer in answers) == 8
    assert [answer["tolerance"] for answer in answers if answer["tolerance"]] == [0.1]


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_set(root: Path, name: str) -> None:
    file, left, expected = TRAINING[name]
    prepared(root, name, f"file={os.environ[FOLDER]}/train/{file}")
    assert reasons(root / "data" / name) == expected
    found = rows(root / f"data/{name}/train.parquet")
    assert len(found) == left
    assert all(isinstance(row["reward_model"]["ground_truth"], str) for row in found)
    held = {exact_key(row["extra_info"]["problem"]) for known in SIZES for row in benchmark(root, known)}
    assert not held & {exact_key(row["extra_info"]["problem"]) for row in found}


def test_gsm8k(root: Path) -> None:
    folder = os.environ[FOLDER]
    given = (f"files.train={folder}/train/gsm8k_train.jsonl", f"files.validation={folder}/benchmarks/gsm8k_test.jsonl")
    prepared(root, "gsm8k", *given)
    assert len(rows(root / "data/gsm8k/train.parquet")) == 7469 and reasons(root / "data/gsm8k") == {
        "overlap (ngram)": 4
    }
    assert len(rows(root / "data/gsm8k/validation.parquet")) == 1319
