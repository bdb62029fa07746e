"""The live line of a training run: step, reward, accuracy and time left."""

import statistics
import threading
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from recipes.metrics_file import AttemptFile, validation_accuracy


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class TrainingProgress:
    """Follows the metrics of a running attempt; on a terminal one live line, elsewhere one line per step.

    Args:
        console: where to show it.
        metrics: the attempt's metrics.
        first_step: step the attempt starts from.
        last_step: step it ends with.
    """

    def __init__(self, console: Console, metrics: AttemptFile, first_step: int, last_step: int) -> None:
        self._console = console
        self._metrics = metrics
        self._first, self._last = first_step, last_step
        self._seconds: list[float] = []
        self._accuracy: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="training-progress", daemon=True)
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            # rich would otherwise take over sys.stdout and show what belongs into the log.
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting Ray, vLLM and the actor", total=last_step, completed=first_step)

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        if not self._console.is_terminal:
            self._console.print("starting Ray, vLLM and the actor (some minutes on a laptop) ...")
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        self._show(self._metrics.new_rows())
        self._bar.stop()

    def _follow(self) -> None:
        while not self._stop.wait(0.5):
            self._show(self._metrics.new_rows())

    def _show(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            line = self._line(row["step"], row["data"])
            self._bar.update(self._task, completed=row["step"], description=line)
            if not self._console.is_terminal:
                self._console.print(f"{time.strftime('%H:%M:%S')}  {line}")

    def _line(self, step: int, data: dict[str, Any]) -> str:
        accuracy = validation_accuracy(data)
        self._accuracy = self._accuracy if accuracy is None else accuracy
        if "timing_s/step" in data:
            self._seconds.append(data["timing_s/step"])
        left = statistics.median(self._seconds[-10:]) * (self._last - step) if self._seconds else None
        return (
            f"step {step}/{self._last}  reward {_number(data.get('critic/score/mean'))}  "
            f"validation {_number(self._accuracy)}  left {_duration(left)}"
        )
