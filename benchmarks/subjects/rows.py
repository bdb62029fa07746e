"""What looking at the rows costs before a start: `python -m benchmarks.run rows`.

Files of made-up problems as long as those of DAPO-Math, one of a hundred longer than the limit, are read and looked at
as before every training: the first time, when `datasets` copies them into its cache (which verl would do itself a
moment later), and again.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import timing
from recipes.checks import rows
from recipes.config.compose import TRAIN, compose, resolved
from recipes.inputs.tiny_model import make_tokenizer

TITLE = "Looking at the rows before a start"
COUNTS = 1000, 100_000, 1_000_000
LIMIT = 1024  # tokens of a prompt
WORDS = "Find the number of ordered pairs of positive integers whose sum is at most " * 4  # 300 characters


def write(path: Path, count: int) -> None:
    """A parquet file of `count` problems."""
    import pyarrow
    from pyarrow import parquet

    def row(number: int) -> dict[str, Any]:
        words = WORDS * (8 if number % 100 == 0 else 1)
        return {
            "data_source": "made-up",
            "prompt": [{"role": "user", "content": f"{words[number % 150 :]}{number}."}],
            "reward_model": {"style": "rule", "ground_truth": str(number)},
            "extra_info": {"index": number},
        }

    block = 50_000
    writer = None
    for start in range(0, count, block):
        table = pyarrow.Table.from_pylist([row(number) for number in range(start, min(start + block, count))])
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def measure(quick: bool = False) -> dict[str, Any]:
    """Rows → seconds of the first look and of another, and how many rows are left."""
    import datasets

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        datasets.config.HF_DATASETS_CACHE = Path(folder) / "cache"
        make_tokenizer().save_pretrained(folder)
        overrides = [f"data.max_prompt_length={LIMIT}", f"actor_rollout_ref.model.path={folder}"]
        config = resolved(compose(overrides, TRAIN))
        for count in COUNTS[: 2 if quick else 3]:
            file = Path(folder) / f"{count}.parquet"
            write(file, count)
            config.data.train_files = str(file)
            started = time.perf_counter()
            seen = rows.examine(config, "data.train_files", -1)
            first = time.perf_counter() - started
            again = timing.seconds(lambda: rows.examine(config, "data.train_files", -1))
            found[str(count)] = {"first": round(first, 2), "again": round(again, 2), "left": seen.left}
    return found


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    lines = [
        [f"{int(count):,}", f"{one['first']:.1f}", f"{one['again']:.1f}", f"{one['left']:,}"]
        for count, one in measured.items()
    ]
    return f"""Seconds until the rows of a file are counted, tokenised where their length is open, and their golds \
tried; the first time with the copy into the cache of `datasets`, which verl would make otherwise. Before every \
training, for both of its files.

{timing.table(["rows", "first, s", "again, s", "rows left"], lines)}"""
