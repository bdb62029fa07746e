"""Every function that reads text of models, logs or damaged files takes time linear in it, whatever the text.

They run in the processes that train, evaluate, log and report, and hold the interpreter while they do: a regular
expression that searches a run of spaces from each of its places would stall a training.
"""

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from recipes.common.console import root_cause
from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.common.secrets import redact_file, redacted_text
from recipes.evaluate.row_file import SAMPLE, RowFile
from recipes.prepare_data.golds import whole_number
from recipes.prepare_data.similarity import exact_key, words_of
from recipes.report.page.run_files import RunFiles
from recipes.report.page.sanitize import display_text, script_json, without_colours
from recipes.runs.metrics_file import read_metrics
from recipes.train.live.startup import Startup
from reward.extraction import extract_answer
from reward.scoring import accepted_answers
from reward.stated import stated_answer

SHORT, LONG = 100_000, 400_000  # characters; a step for every pair of them, of a nanosecond, would take 80 s
GROWTH = 8  # four times the text may take twice as long again as four times the time: clocks are coarse
SHAPES = [
    "a",
    " ",
    "\n",
    "{",
    "}",
    "1",
    "word ",
    "$",
    "\\",
    "**",
    ".",
    "1,",
    "A.",
    "://a:",
    "://",
    "a='",
    'token="',
    "token=\\",
    "a.",
    "hf_",
    "token=",
    "--a ",
    "\\(",
    "\x1b[",
]
# What a pattern may begin with; then comes the run that it is to get lost in, and what does not end it.
BEGUN = ["answer", "final", "answer is", r"\boxed{", "#### ", "Error"]
TEXTS = [("", shape) for shape in SHAPES] + [(begin, " ") for begin in BEGUN]


def run_page(file: Path) -> None:
    """The files of a run as its page reads them; a config or manifest beyond 1 MiB is none."""
    RunFiles.read(file.parent)


OF_TEXT: dict[str, Callable[[str], Any]] = {
    "reward.extraction": extract_answer,
    "reward.extraction, no box": partial(extract_answer, require_box=False),
    "reward.stated": stated_answer,
    "reward.scoring": accepted_answers,
    "common.secrets": partial(redacted_text, environment={}),
    "page.sanitize": lambda text: script_json(display_text(without_colours(text))),
    "prepare_data.golds": whole_number,
    "prepare_data.similarity": lambda text: (exact_key(text), words_of(text)),
}
OF_FILE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "common.console": ("train.log", root_cause),
    "common.secrets, a log": ("train.log", partial(redact_file, environment={})),
    "live.startup": ("train.log", lambda file: Startup(file, True).look()),
    "runs.metrics_file": ("metrics.jsonl", read_metrics),
    "report, metrics": ("metrics.jsonl", run_page),
    "common.files": ("manifest.json", read_mapping),
    "evaluate.row_file": ("samples.jsonl", partial(RowFile, fields=SAMPLE)),
}


def seconds(call: Callable[[], Any]) -> float:
    """Processor time; that the text is refused is an answer."""
    gc.disable()  # which would go over what all other tests have left: some tenths of a second
    try:
        begun = time.process_time()
        with suppress(UserError, ValueError):
            call()
        return time.process_time() - begun
    finally:
        gc.enable()


def check(measure: Callable[[str], float]) -> None:
    for begin, shape in TEXTS:
        short, long = (measure(begin + (shape * length)[:length] + "x") for length in (SHORT, LONG))
        assert long < GROWTH * short + 0.2 and long < 6, (begin, shape, short, long)


@pytest.mark.parametrize("name", OF_TEXT)
def test_text(name: str) -> None:
    check(lambda text: seconds(lambda: OF_TEXT[name](text)))


@pytest.mark.parametrize("name", OF_FILE)
def test_files(tmp_path: Path, name: str) -> None:
    file, read = OF_FILE[name]

    def measure(text: str) -> float:
        (tmp_path / file).write_text(text)
        return seconds(lambda: read(tmp_path / file))

    check(measure)


def test_a_function_that_is_not_linear_is_found() -> None:
    with pytest.raises(AssertionError):
        check(lambda text: (len(text) / LONG) ** 2)
