"""Prepare tiny data sets in a test, as `python -m recipes.prepare_data` does, without a process of its own."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
from rich.console import Console

from recipes.config.compose import PREPARE, compose
from recipes.prepare_data.__main__ import read_settings
from recipes.prepare_data.build import prepare
from recipes.prepare_data.settings import Settings
from recipes.prepare_data.stages import Stages


def settings(root: Path, data: str, *overrides: str) -> Settings:
    """The settings of a command line."""
    return read_settings(compose([f"data={data}", f"output_root={root}/data", *overrides], PREPARE))


def prepared(root: Path, data: str, *overrides: str) -> str:
    """Prepare into `root`/data; return what was said."""
    said = io.StringIO()
    prepare(settings(root, data, *overrides), Stages(Console(file=said, width=1000)))
    return said.getvalue()


def json_lines(path: Path, rows: list[Any]) -> Path:
    """Write rows; text is written as it is."""
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def problems(path: Path, *pairs: tuple[str, Any]) -> Path:
    """A file of problems and answers."""
    return json_lines(path, [{"problem": problem, "answer": answer} for problem, answer in pairs])


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file."""
    return pyarrow.parquet.read_table(path).to_pylist()


def reasons(folder: Path) -> dict[str, int]:
    """How many rows the report names per reason."""
    found: dict[str, int] = {}
    for line in (folder / "report.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found[entry["reason"]] = found.get(entry["reason"], 0) + entry.get("times", 1)
    return found
