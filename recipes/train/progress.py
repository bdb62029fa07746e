"""What a person sees while a training runs: a live view on a terminal, elsewhere a line per step."""

import os
import threading
import time
from io import UnsupportedOperation
from typing import Any

from rich.console import Console
from rich.control import Control
from rich.live import Live

from recipes.common.progress_bar import is_live
from recipes.runs.alarms import Alarm, AlarmWatch
from recipes.runs.metrics_file import AttemptFile
from recipes.train.live import step_lines
from recipes.train.live.history import History
from recipes.train.live.startup import Startup
from recipes.train.live.view import View, alarm_words

POLL = 0.5  # seconds between two looks at the files
PER_SECOND = 1  # redraws: little for a slow line


class TrainingProgress:
    """Follows the metrics and the log of a running attempt.

    Args:
        console: where to show it.
        metrics: the attempt's metrics; its log lies beside them.
        first_step: step the attempt starts from.
        last_step: step it ends with.
        title: of the run.
        validates: whether verl validates before it trains.
    """

    def __init__(
        self,
        console: Console,
        metrics: AttemptFile,
        first_step: int,
        last_step: int,
        title: str = "",
        validates: bool = True,
    ) -> None:
        self._console, self._metrics = console, metrics
        self._log = metrics.source.with_suffix(".log")
        history, startup = History(first_step, last_step, metrics.earlier), Startup(self._log, validates)
        self._view = View(history, startup, title, f"log {self._log.parent.name}/{self._log.name}")
        self._alarms = AlarmWatch(metrics.earlier)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="training-progress", daemon=True)
        self._said: set[str] = set()
        self._live = is_live(console)
        self._fit()
        self._screen = Live(
            self._view,
            console=console,
            refresh_per_second=PER_SECOND,
            # rich would otherwise take over sys.stdout and show what belongs into the log.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> "TrainingProgress":
        if self._live:
            self._screen.start()
        else:
            self._say(self._view.startup.phase)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
        if self._live:
            self._screen.stop()

    def _follow(self) -> None:
        while not self._stop.wait(POLL):
            try:
                self._look()
            except OSError as error:  # a full disk: what is not copied now is copied at a later look
                self._say_once(f"warning: {error}")

    def _look(self) -> None:
        if self._live:
            self._fit()
        if self._view.startup.look() and not self._live:
            self._say(self._view.startup.phase)
        for row in self._metrics.new_rows():
            self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        history = self._view.history
        history.add(row)
        self._view.row_came = time.monotonic()
        if not self._live:
            self._say(step_lines.step_line(history))
        for alarm in self._alarms.new([row]):
            self._warn(alarm)
        self._view.alarms = [alarm for alarm in self._alarms.alarms if alarm.last_step >= history.step]
        if self._live:
            self._screen.refresh()

    def _warn(self, alarm: Alarm) -> None:
        line = step_lines.stamped(f"warning: {alarm_words(alarm)} (docs/metrics.md#{alarm.anchor})")
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")
        if not self._live:
            self._console.print(line, markup=False)

    def _say(self, words: str) -> None:
        self._console.print(step_lines.stamped(words), markup=False)

    def _say_once(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self._say(words)

    def _fit(self) -> None:
        """Follow the size of the terminal: rich asks descriptors 0 to 2 for it, and two of them are the log here."""
        try:
            width, height = os.get_terminal_size(self._console.file.fileno())
        except (OSError, UnsupportedOperation):
            return  # no terminal of its own: the size that rich was given
        narrower = width < self._console.width
        if width and height and (width, height) != tuple(self._console.size):
            self._console.size = (width, height)
        if self._live and narrower and self._thread.is_alive():
            # The terminal has broken the lines of the old view anew, so it does not know how far up that begins.
            self._console.control(Control.clear(), Control.home())
            self._screen.refresh()
