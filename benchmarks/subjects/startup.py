"""Where the seconds before the first step go: `python -m benchmarks.run startup`.

Starts of recipes.train and of verl's own command on the same config, in turn, cut where the log says that something is
done; and what the imports take (benchmarks/measure/imports.py).
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import imports, process_tree, timing, trainings
from benchmarks.measure.trainings import OURS, STOCK, Training

TITLE = "Start-up against verl's own command"


@dataclass(frozen=True)
class Span:
    """A part of the start.

    Attributes:
        name: what is done in it.
        end: the line of the log that says it is over.
    """

    name: str
    end: re.Pattern[str]


# In the order in which they end. A side that never says one (recipes.train alone names its log) has it in the next.
SPANS = (
    Span("imports, composing, checks", re.compile(r"^log file ")),
    Span("Ray", re.compile(r"Started a local Ray instance|Connected to Ray cluster")),
    Span("task runner: process, imports", re.compile(r"Using dataset class")),
    Span("task runner: data sets", re.compile(r"Total training steps:")),
    Span("actor worker: process, imports, model", re.compile(r"actor and ref model engine initialized")),
    Span("reward workers", re.compile(r"reward loop manager initialized")),
    Span("vLLM: processes, imports, model", re.compile(r"checkpoint engine manager initialized")),
    Span("checkpoint, trackers", re.compile(r"Creating file logger")),
    Span("agent workers, first weights, validation", re.compile(r"Initial validation metrics|step:0 ")),
    Span("first step", re.compile(r"step:1 ")),
)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3})")


class Ends:
    """When each span ended, from logs that are still being written.

    Args:
        started: time of the start, in seconds since the epoch.
        logs: files to read; asked at every look, because some come later.
    """

    def __init__(self, started: float, logs: Callable[[], Iterable[Path]]) -> None:
        self._started, self._logs = started, logs
        self._read: dict[Path, int] = {}
        self.seconds: dict[str, float] = {}

    def look(self) -> None:
        """Read what is new. A line with a time of its own counts at that time, any other when it is seen."""
        for path in self._logs():
            with path.open(errors="replace") as file:
                file.seek(self._read.get(path, 0))
                while (line := file.readline()).endswith("\n"):
                    self._read[path] = file.tell()
                    self._note(COLOURS.sub("", line))

    def _note(self, line: str) -> None:
        for span in SPANS:
            if span.name not in self.seconds and span.end.search(line):
                self.seconds[span.name] = _time_of(line, time.time()) - self._started


def _time_of(line: str, seen: float) -> float:
    stamp = STAMP.search(line)
    if stamp is None:
        return seen
    return datetime.strptime(stamp[1], "%Y-%m-%d %H:%M:%S").timestamp() + int(stamp[2]) / 1e3


def lengths(ends: dict[str, float]) -> dict[str, float | None]:
    """Span → its seconds; None for one whose end the log did not tell: its time is in the next."""
    found: dict[str, float | None] = {}
    before = 0.0
    for span in SPANS:
        end = ends.get(span.name)
        found[span.name] = None if end is None else round(max(0.0, end - before), 1)
        before = before if end is None else max(before, end)
    return found


def start(training: Training) -> dict[str, float | None]:
    """Run one step with a validation before it, and see how long each span took."""
    began = time.time()
    with training.started() as process:
        ends = Ends(began, lambda: training.logs)
        process_tree.wait(process, trainings.LIMIT, [(0.1, ends.look)])
        training.check(process)
        ends.look()
    return lengths(ends.seconds)


def measure(quick: bool = False) -> dict[str, Any]:
    """Imports, and the spans of a start of each side; the median of several starts in turn unless quick."""
    folder = trainings.results_folder("startup")
    overrides = ("trainer.total_training_steps=1", "trainer.val_before_train=true")
    imported = imports.measure(1 if quick else 3)
    found: dict[str, list[dict[str, float | None]]] = {OURS: [], STOCK: []}
    for run in range(1, 2 if quick else 4):
        for side, make in ((OURS, trainings.ours), (STOCK, trainings.stock)):
            found[side].append(start(make(folder / f"{side.split(',')[0]}-{run}", *overrides)))
    spans = {
        span.name: {side: _median([one[span.name] for one in starts]) for side, starts in found.items()}
        for span in SPANS
    }
    return {"imports": imported, "starts": len(found[OURS]), "spans": spans}


def _median(values: list[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return round(timing.medians({"": told})[""], 1) if told else None


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    sides = (STOCK, OURS)
    spans = [
        [name, *("–" if seconds[side] is None else seconds[side] for side in sides)]
        for name, seconds in measured["spans"].items()
    ]
    totals = [round(sum(seconds[side] or 0.0 for seconds in measured["spans"].values()), 1) for side in sides]
    spans.append(["sum", *totals])
    imported = [
        [f"`{module}`", found["seconds"], ", ".join(f"{name} {value}" for name, value in found["packages"].items())]
        for module, found in measured["imports"].items()
    ]
    return f"""One step of training with a validation before it; medians of {measured["starts"]} start(s) of each side \
in turn, in seconds.
A dash: the log does not say when that ended, and its time is in the next line. Lines of Ray's workers reach the log up
to half a second late.

{timing.table(["span", *sides], spans)}

Imports in a fresh process, and the packages whose own modules take longest (under `-X importtime`, which slows them):

{timing.table(["module", "seconds", "of these in"], imported)}"""
