r"""Boxed addition: `12+34=` → `\boxed{46}` for all a, b in 0..49, small enough to be learned on a CPU in minutes.

The 2500 pairs are split once per seed. The held-out ones are closed under swapping: if 12+34 is held out, so is 34+12,
and neither is ever trained on, in pre-training or in reinforcement learning.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recipes.common.files import new_folder, write_record

LARGEST = 49
HELD_OUT = 256
DATA_SOURCE = "arithmetic"

Problem = tuple[int, int]


def problems(seed: int) -> tuple[list[Problem], list[Problem]]:
    """Split the 2500 pairs (a, b) into 2244 for training and 256 held out, each in a random order given by `seed`."""
    draw = random.Random(seed)
    classes = [(a, b) for a in range(LARGEST + 1) for b in range(a, LARGEST + 1)]  # one of (a, b) and (b, a)
    draw.shuffle(classes)
    train: list[Problem] = []
    held_out: list[Problem] = []
    for a, b in classes:
        members = [(a, b)] if a == b else [(a, b), (b, a)]
        # The last free place may be a single one: then only a pair of equal numbers fits.
        (held_out if len(held_out) + len(members) <= HELD_OUT else train).extend(members)
    draw.shuffle(train)
    draw.shuffle(held_out)
    return train, held_out


def question(problem: Problem) -> str:
    """Return what the user says, e.g. `12+34=`."""
    a, b = problem
    return f"{a}+{b}="


def answer(problem: Problem) -> str:
    """Return the sum as text, e.g. `46`."""
    return str(sum(problem))


def build(path: str | os.PathLike[str], *, seed: int = 0) -> None:
    """Write `train.parquet` and `validation.parquet` in verl's schema, and `build.json`, into the new folder `path`.

    A model of `recipes.inputs.tiny_model` must have been built with this `seed` as its `split_seed`.

    A row: data_source, prompt = [{role, content}], ability, reward_model = {style, ground_truth}, extra_info = {split,
    index}.

    Raises:
        FileExistsError: `path` exists and is not empty.
    """
    train, held_out = problems(seed)
    with new_folder(path) as folder:
        for split, part in (("train", train), ("validation", held_out)):
            rows = [_row(problem, split, index) for index, problem in enumerate(part)]
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{split}.parquet")
        write_record(
            folder,
            {
                "target": f"{__name__}.build",
                "arguments": {"seed": seed},
                "rows": {"train": len(train), "validation": len(held_out)},
            },
        )


def _row(problem: Problem, split: str, index: int) -> dict[str, Any]:
    return {
        "data_source": DATA_SOURCE,
        "prompt": [{"role": "user", "content": question(problem)}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": answer(problem)},
        "extra_info": {"split": split, "index": index},
    }
