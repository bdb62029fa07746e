"""End a run in order: on SIGTERM or SIGUSR1 the trainer saves what it has learnt before everything ends.

Driver and trainer are processes on machines that may differ, so they talk through two files in the run folder: the
trainer shows that there is something to save, the driver asks for the end. Where nothing can be saved yet, and at the
second signal, the run ends at once, as after Ctrl-C.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from recipes.common.processes import Terminated

# A scheduler's warning before pre-emption or its time limit is one of these.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Stopped(Exception):
    """The trainer was asked to end while a batch was being generated."""


@dataclass(frozen=True)
class StopFiles:
    """The two files.

    Attributes:
        folder: of the run.
    """

    folder: Path

    @property
    def _saves(self) -> Path:
        return self.folder / ".saves-when-asked"

    @property
    def _asked(self) -> Path:
        return self.folder / ".stop"

    def clear(self) -> None:
        """Forget an earlier attempt."""
        self._saves.unlink(missing_ok=True)
        self._asked.unlink(missing_ok=True)

    def offer(self) -> None:
        """Trainer: from now on there is something to save."""
        self._saves.touch()

    def offered(self) -> bool:
        """Driver: whether asking leads to anything."""
        return self._saves.exists()

    def ask(self) -> None:
        """Driver: save, and end."""
        self._asked.touch()

    def asked(self) -> bool:
        """Trainer: whether to save and end."""
        return self._asked.exists()


def listen(files: StopFiles, say: Callable[[str], None]) -> None:
    """Handle the signals in this process. Call it after ray.init, which takes SIGTERM for itself.

    A signal that this process was started to ignore is somebody else's: the launcher's, who passes it on as SIGTERM.

    Args:
        files: of the run.
        say: tells a person what happens.
    """

    def handler(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if files.asked() or not files.offered():
            raise Terminated(name)
        files.ask()
        say(f"{name}: saving a checkpoint, then ending. A second signal ends the run at once.")

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def interrupt_generation(replay_buffer: Any, asked: Callable[[], bool]) -> None:
    """Make verl's wait for a training batch end with Stopped as soon as `asked()`; a validation is waited for."""
    wait = replay_buffer._wait_for_next_poll

    def look_and_wait(partition_id: str, last_debug_time: float) -> float:
        if partition_id == "train" and asked():
            raise Stopped
        return float(wait(partition_id, last_debug_time))

    replay_buffer._wait_for_next_poll = look_and_wait
