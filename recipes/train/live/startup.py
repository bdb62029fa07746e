"""How far the start of a training is, from the lines that verl and Ray write into its log file."""

import time
from dataclasses import dataclass
from pathlib import Path

VALIDATING = "validating before training"


@dataclass(frozen=True)
class Phase:
    """A part of the start, and the lines of the log of which one says that it begins."""

    name: str
    begins_with: tuple[str, ...]


# In this order; tests/unit/train/live/test_startup.py looks the lines up in the installed verl and Ray.
PHASES = (
    Phase("starting Ray", ()),
    Phase("reading the data", ("Connected to Ray cluster", "Started a local Ray instance")),
    Phase("loading the actor", ("train and validate dataloader initialized",)),
    Phase("starting vLLM", ("actor and ref model engine initialized",)),
    Phase("reading the checkpoint", ("checkpoint engine manager initialized",)),
    Phase(VALIDATING, ("Creating file logger at",)),
    Phase("the first step", ("Training Progress:",)),
)
_LONGEST = max(len(line) for phase in PHASES for line in phase.begins_with)


class Startup:
    """Follows one attempt's log until its first step.

    Args:
        log: file of the attempt.
        validates: whether verl validates before it trains.
    """

    def __init__(self, log: Path, validates: bool) -> None:
        self._log, self._position, self._tail = log, 0, b""
        self._phases = [phase for phase in PHASES if validates or phase.name != VALIDATING]
        self._present = 0
        self._began = {0: time.monotonic()}

    @property
    def phase(self) -> str:
        """What is going on."""
        return self._phases[self._present].name

    def look(self) -> bool:
        """Read on; return whether another phase has begun."""
        text = self._new_text()
        begun = [
            place
            for place, phase in enumerate(self._phases)
            if place > self._present and any(line.encode() in text for line in phase.begins_with)
        ]
        if not begun:
            return False
        self._present = begun[-1]
        self._began[self._present] = time.monotonic()
        return True

    def _new_text(self) -> bytes:
        """What the log has grown by, after the end of what it held: a line may have come in two pieces."""
        if self._present == len(self._phases) - 1 or not self._log.is_file():
            return b""
        with self._log.open("rb") as file:
            file.seek(self._position)
            chunk = file.read()
        self._position += len(chunk)
        text = self._tail + chunk
        self._tail = text[-_LONGEST:]
        return text

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began[0]

    def durations(self) -> list[tuple[str, float]]:
        """Phases that are over, and the present one last, with their seconds."""
        places = sorted(self._began)
        ends = [*(self._began[place] for place in places[1:]), time.monotonic()]
        return [(self._phases[place].name, end - self._began[place]) for place, end in zip(places, ends, strict=True)]
