r"""Procedural tasks of reasoning-gym (https://github.com/open-thought/reasoning-gym), by name and difficulty.

A task makes as many problems as one asks for and judges answers by itself (`reward.procedural`). Difficulty n is the
n-th level of every attribute in the library's own curriculum of that task, 0 the easiest; an attribute that has fewer
levels stays at its last. Problems are told apart by their question: none that is held out is ever trained on.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recipes.common.files import new_folder, write_record
from recipes.common.suggestions import nearest

INSTRUCTION = "\nPut your final answer within \\boxed{}."
DRAWS = 4  # problems drawn per problem wanted; small tasks repeat themselves
Entry = dict[str, Any]  # question, answer, metadata: as the library makes it


def problems(
    task: str, difficulty: int, count: int, seed: int, options: Mapping[str, Any] | None = None
) -> list[Entry]:
    """`count` different problems of one task.

    Args:
        task: its name in the library.
        difficulty: level of its curriculum, from 0.
        count: of problems.
        seed: of the task's generator.
        options: fields of the task's config that differ from the level's.

    Raises:
        ValueError: no such task, level or option; too few different problems; or the library does not accept the answer
            that it states itself, so that nobody could earn it.
    """
    dataset = _dataset(task, difficulty, DRAWS * count, seed, options or {})
    found: dict[str, Entry] = {}
    for index in range(DRAWS * count):
        entry = dataset[index]
        found.setdefault(entry["question"], entry)
        if len(found) == count:
            break
    if len(found) < count:
        raise ValueError(
            f"{task} at difficulty {difficulty} made {len(found)} different problems in {DRAWS * count}, but {count} "
            "are needed. Write a higher difficulty, or smaller train_size and validation_size."
        )
    _check_earned(task, next(iter(found.values())), dataset)
    return list(found.values())


def _dataset(task: str, difficulty: int, size: int, seed: int, options: Mapping[str, Any]) -> Any:
    from reasoning_gym.factory import CURRICULA, DATASETS, create_curriculum

    if task not in DATASETS:
        hint = nearest(task, DATASETS)
        raise ValueError(
            f"{task} is no task of reasoning-gym. Write {hint or 'one of ' + ', '.join(sorted(DATASETS))}."
        )
    dataset_class, config_class = DATASETS[task]
    if isinstance(difficulty, bool) or not isinstance(difficulty, int) or difficulty < 0:
        raise ValueError(f"difficulty of {task}: {difficulty!r} is no level. Write 0, 1, 2, …")
    if difficulty and task not in CURRICULA:
        raise ValueError(f"{task} has no levels of difficulty in reasoning-gym. Write {task}: 0, and options for it.")
    level = {}
    if task in CURRICULA:
        curriculum = create_curriculum(task)
        curriculum.set_global_level(difficulty)
        level = dataclasses.asdict(curriculum.generate_configuration())
    known = [field.name for field in dataclasses.fields(config_class)]
    if unknown := sorted(set(options) - set(known)):
        raise ValueError(f"{task} has no option {unknown[0]}. Known: {', '.join(known)}.")
    try:
        return dataset_class(config_class(**{**level, **options, "seed": seed, "size": size}))
    except AssertionError as error:  # how the library checks a config
        raise ValueError(f"{task} at difficulty {difficulty} with options {dict(options)}: {error}") from error


def _check_earned(task: str, entry: Entry, dataset: Any) -> None:
    """The library's own answer, judged as in a training: by an entry that went through JSON."""
    stored = json.loads(json.dumps(entry))
    if not isinstance(entry["answer"], str) or dataset.score_answer(entry["answer"], stored) != 1.0:
        raise ValueError(
            f"{task}: reasoning-gym does not give its own answer {entry['answer']!r:.80} full marks, so nothing says "
            "that a response can be right. Choose another task."
        )


def build(
    path: str | os.PathLike[str],
    *,
    tasks: Sequence[str],
    difficulty: int | Sequence[int] = 0,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    train_size: int = 4096,
    validation_size: int = 256,
    seed: int = 0,
    instruction: str = INSTRUCTION,
) -> None:
    """Write `train.parquet` and `validation.parquet` in verl's schema, and `build.json`, into the new folder `path`.

    Args:
        path: folder to create.
        tasks: names; each gets an equal share of both files.
        difficulty: of all tasks, or of each.
        options: by task, fields of its config.
        train_size, validation_size: rows, over all tasks.
        seed: of the generators.
        instruction: added to every question.

    Raises:
        FileExistsError: `path` exists and is not empty.
        ValueError: as `problems`.
    """
    arguments = {name: value for name, value in locals().items() if name != "path"}
    if not tasks or isinstance(tasks, str) or min(train_size, validation_size) < len(tasks):
        raise ValueError(f"tasks={tasks!r}: write a list of at least one task, and ask for a row of each.")
    levels = [difficulty] * len(tasks) if isinstance(difficulty, int) else list(difficulty)
    if len(levels) != len(tasks):
        raise ValueError(f"difficulty={levels}: write one level for all tasks, or one for each of {list(tasks)}.")
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "validation": []}
    held_out = validation_size // len(tasks)
    for task, level in zip(tasks, levels, strict=True):
        count = held_out + train_size // len(tasks)
        found = problems(task, level, count, seed, (options or {}).get(task))
        for split, part in (("validation", found[:held_out]), ("train", found[held_out:])):
            rows[split] += [_row(task, entry, split, index, instruction) for index, entry in enumerate(part)]
    with new_folder(path) as folder:
        for split, part in rows.items():
            pq.write_table(pa.Table.from_pylist(part), folder / f"{split}.parquet")
        write_record(
            folder,
            {
                "target": f"{__name__}.build",
                "arguments": json.loads(json.dumps(arguments)),
                "rows": {split: len(part) for split, part in rows.items()},
                "versions": {"reasoning-gym": version("reasoning-gym")},
            },
        )


def _row(task: str, entry: Entry, split: str, index: int, instruction: str) -> dict[str, Any]:
    return {
        "data_source": task,
        "prompt": [{"role": "user", "content": entry["question"] + instruction}],
        "ability": "reasoning",
        "reward_model": {"style": "rule", "ground_truth": entry["answer"]},
        # As text: every task has another metadata, and a parquet column one type.
        "extra_info": {"split": split, "index": index, "task": task, "entry": json.dumps(entry)},
    }
