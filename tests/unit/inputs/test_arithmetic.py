"""Boxed addition: nothing held out is ever trained on, and the files are what verl reads."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from recipes.inputs import arithmetic, tiny_model


@pytest.mark.parametrize("seed", range(20))
def test_held_out_pairs_are_never_trained_on_in_either_order(seed: int) -> None:
    train, held_out = arithmetic.problems(seed)
    assert len(train) == 2244 and len(held_out) == 256
    assert sorted(train + held_out) == [(a, b) for a in range(50) for b in range(50)]
    assert {(b, a) for a, b in held_out} == set(held_out)


def test_the_seed_decides_the_split() -> None:
    assert arithmetic.problems(0) == arithmetic.problems(0)
    assert set(arithmetic.problems(0)[1]) != set(arithmetic.problems(1)[1])


def test_rows_have_the_schema_and_the_right_answer(tmp_path: Path) -> None:
    arithmetic.build(tmp_path / "data", seed=3)
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == [
        "build.json",
        "train.parquet",
        "validation.parquet",
    ]
    for split, problems in zip(("train", "validation"), arithmetic.problems(3), strict=True):
        rows = pq.read_table(tmp_path / "data" / f"{split}.parquet").to_pylist()
        assert len(rows) == len(problems)
        for index, (row, (a, b)) in enumerate(zip(rows, problems, strict=True)):
            assert row == {
                "data_source": "arithmetic",
                "prompt": [{"role": "user", "content": f"{a}+{b}="}],
                "ability": "math",
                "reward_model": {"style": "rule", "ground_truth": str(a + b)},
                "extra_info": {"split": split, "index": index},
            }


def test_building_again_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        arithmetic.build(tmp_path / name)
    for file in ("train.parquet", "validation.parquet"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_verl_reads_it(tmp_path: Path) -> None:
    from verl.utils.dataset.rl_dataset import RLHFDataset

    arithmetic.build(tmp_path / "data")
    config = OmegaConf.create(
        {"cache_dir": str(tmp_path / "cache"), "max_prompt_length": 10, "filter_overlong_prompts_workers": 1}
    )
    data = RLHFDataset([str(tmp_path / "data" / "validation.parquet")], tiny_model.make_tokenizer(), config)
    assert len(data) == 256  # no prompt was too long, none failed to render
    row = data[5]
    a, b = arithmetic.problems(0)[1][5]
    assert row["raw_prompt"] == [{"role": "user", "content": f"{a}+{b}="}]
    assert row["index"] == 5 and row["reward_model"]["ground_truth"] == str(a + b)
