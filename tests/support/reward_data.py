"""The data sets that rewards are measured on: benchmarks/, train/ and labelled/ in the folder RLVR_DATA_DIR names."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reward.extraction import extract_answer
from reward.task import Task

FOLDER = "RLVR_DATA_DIR"
needs_data = pytest.mark.skipif(
    FOLDER not in os.environ, reason=f"set {FOLDER} to the folder of the data sets (benchmarks/, train/, labelled/)"
)

# Labels of the labelled sets that are wrong, with the reason.
WRONG_LABELS = {
    r"\{-1, 1, 3, 1 - \sqrt{2}, 1 + \sqrt{2}\}": "labelled wrong for 3,1,-1,1+√2,1-√2, whose set it is",
    "10000": "labelled wrong for 10{,}000, which is the same number",
}
# Golds of Big-Math that are no right answer to themselves in a box, with the reason.
OPEN = "a brace never closes, so neither does the box"
CLOSED = "a brace closes that was never opened, and the box with it"
TAB = r"JSON read twice made a tab and `an` of \tan; a box loses the tab, and `an` may be a times n"
CANNOT_BE_BOXED = {
    "122. y = \\sin(x) \\text{ — odd function}; y = \\cos(x) \\text{ — even function.": OPEN,
    "f(x) = cx \\ \\text{where} \\ c \\ \\text{is an arbitrary positive real number.": OPEN,
    "P(x, y) \\text{ is constant": OPEN,
    "f(x) = x + b \\text{, where } b \\text{ is a fixed real number": OPEN,
    "The vectors \\mathbf{c}_1 \\text{ and } \\mathbf{c}_2 \\text{ are collinear.": OPEN,
    "The angle \\alpha \\text{ is in the third quadrant.": OPEN,
    "As stated, (-1)^{1/i} \\approx 23^{1/7} \\text{ holds true.": OPEN,
    "Triangle \\triangle ABC \\text{ is either an isosceles triangle or a right triangle.": OPEN,
    "The shape of \\triangle ABC \\text{ is an isosceles right triangle.": OPEN,
    "There does not exist such a natural number } k.": CLOSED,
    "Triangle } ABC \\text{ can be constructed as described.": CLOSED,
    "The solution set is } (0, \n\\infty)": CLOSED,
    "The number of elements in the circular Fibonacci sequence is a divisor of } p-1.": CLOSED,
    "\tan(2\theta - \theta) = \x0crac{2\theta}{5}": TAB,
    "\tan(\x08eta-2\x08eta) = 2\text{\textbackslash}sqrt{2}": TAB,
}


def read(name: str) -> list[dict[str, Any]]:
    """The rows of a JSON, JSON lines or Parquet file."""
    path = Path(os.environ[FOLDER]) / name
    if path.suffix == ".parquet":
        return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def _olympiad_task(row: dict[str, Any]) -> Task:
    return Task(row.get("unit"), float(row["error"]) if row.get("error") else None, bool(row["is_multiple_answer"]))


@cache
def golds() -> list[tuple[str, str, Task]]:
    """Data set, gold and task of every row of the six benchmarks, of GSM8K and of the training sets."""
    plain = Task()
    found: list[tuple[str, Any, Task]] = []
    for name in ("aime24", "amc23", "math500"):
        found += [(name, row["answer"], plain) for row in read(f"benchmarks/{name}.jsonl")]
    for name in ("benchmarks/aime25", "train/bigmath_rl_5000"):
        rows = read(f"{name}.parquet")
        found += [(name.partition("/")[2], row["reward_model"]["ground_truth"], plain) for row in rows]
    found += [("minerva", extract_answer(row["solution"]).answer, plain) for row in read("benchmarks/minerva.jsonl")]
    for row in read("benchmarks/olympiadbench.jsonl"):
        found += [("olympiadbench", answer, _olympiad_task(row)) for answer in row["final_answer"]]
    for name in ("benchmarks/gsm8k_test.jsonl", "train/gsm8k_train.jsonl"):
        found += [("gsm8k", row["answer"].rpartition("####")[2].strip(), plain) for row in read(name)]
    for name in ("math_train", "aime_1983_2023"):
        found += [(name, row["answer"], plain) for row in read(f"train/{name}.json")]
    return [(name, str(gold), task) for name, gold, task in found]


def in_another_style(gold: str) -> str:
    """The same answer as a model may typeset it: other fractions, no \\left and \\right, more space, a full stop."""
    text = re.sub(r"\\d?frac(?=\{)", lambda match: r"\frac" if match[0] == r"\dfrac" else r"\dfrac", gold)
    if r"\left{" not in text and r"\right." not in text:
        text = re.sub(r"\\(?:left|right)(?![A-Za-z])\s*", "", text)
    text = re.sub(r"\\leq?(?![A-Za-z])", r"\\leqslant ", text)
    text = re.sub(r"(?<=[=+])(?!\s*$)", r"\\, ", text)
    text = re.sub(r"\\pi(?![A-Za-z])", "π", text)
    return text if "$" in text else f"${text}$."
