r"""The tiny model (recipes/inputs/tiny_model.py) with another first lesson: procedural tasks instead of addition.

Pre-trained on the training rows of `recipes.inputs.procedural` until a share of them comes out right, so that
reinforcement learning on the same rows has something to reward. What is held out there is trained on nowhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import torch
import transformers

from recipes.common.files import new_folder, write_record
from recipes.inputs import procedural, tiny_model
from recipes.inputs.saving import save


def build(
    path: str | os.PathLike[str],
    *,
    data: Mapping[str, Any],
    seed: int = 0,
    steps: int = 3000,
    target_accuracy: float = 0.3,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
) -> None:
    """Write the model to the new folder `path`.

    Args:
        path: folder to create.
        data: arguments of `recipes.inputs.procedural.build` for the files that it will be trained on.
        seed, steps, target_accuracy, batch_size, learning_rate: as of `tiny_model.build`.

    Raises:
        FileExistsError: `path` exists and is not empty.
        ValueError: as `procedural.build`.
        RuntimeError: the target was not reached within `steps`; nothing is written.
    """
    arguments = {name: value for name, value in locals().items() if name != "path"}
    start = time.perf_counter()
    with TemporaryDirectory() as made, new_folder(path) as folder, tiny_model.private_torch(seed):
        procedural.build(Path(made) / "data", **data)
        rows = pq.read_table(Path(made) / "data" / "train.parquet").to_pylist()
        tokenizer = tiny_model.make_tokenizer()
        model = tiny_model.make_model(tokenizer)
        prompts = [tiny_model.chat(tokenizer, row["prompt"]) for row in rows]
        answers = [rf"\boxed{{{row['reward_model']['ground_truth']}}}{tiny_model.END}" for row in rows]
        examples = tiny_model.encode_texts(tokenizer, prompts, answers)
        _check_length(examples)
        measured = examples[: tiny_model.CALIBRATION]
        taken, reached = tiny_model.pretrain(
            model, examples, measured, steps, target_accuracy, batch_size, learning_rate, seed
        )
        save(folder, model, tokenizer)
        record = {
            "target": f"{__name__}.build",
            "arguments": arguments,
            "steps_taken": taken,
            "expected_accuracy_on_training_problems": round(reached, 4),
            "seconds": round(time.perf_counter() - start, 1),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        }
        write_record(folder, record)


def _check_length(examples: tiny_model.Examples) -> None:
    longest = examples.tokens.shape[1]
    if longest > tiny_model.CONTEXT:
        raise ValueError(
            f"a problem with its answer takes {longest} bytes, and the tiny model has {tiny_model.CONTEXT} positions. "
            "Choose an easier task, or another model."
        )
