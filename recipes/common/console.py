"""One terminal, two audiences: a few lines for the person, everything else for the log file.

verl, Ray and vLLM write to file descriptors 1 and 2, from Python and from C++, in this process and in their own. So the
descriptors themselves are pointed at the log, and the person's terminal is kept under another descriptor.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from recipes.common.secrets import redact_file


@contextmanager
def chatter_to(log: Path) -> Iterator[Console]:
    """Send stdout and stderr of this process and its children to `log`; yield a console on the real stdout.

    At the end, when the children have ended, secrets are taken out of the log: verl and Ray print whole configs,
    through descriptors that nothing can filter before.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {1: os.dup(1), 2: os.dup(2)}
    # A character that the terminal's encoding lacks must not end a training.
    terminal_copy = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors="replace")
    with log.open("a") as file, terminal_copy as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            # highlight=False: rich would colour numbers inside paths.
            yield Console(file=terminal, highlight=False, soft_wrap=True)
        finally:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            finally:  # also on a full disk, or nobody would read why the command ends
                for number, copy in kept.items():
                    os.dup2(copy, number)
                    os.close(copy)
                redact_file(log)


# A line that states an exception, with or without Ray's "(Actor pid=…)" prefix.
_EXCEPTION = re.compile(r"(?:^|\s)((?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt)|AssertionError)(?::|$)")
# Exceptions that only report another one, or that verl and Ray print while nothing is wrong.
_SECONDARY = (
    "RayTaskError",
    "ActorDiedError",
    "ActorUnavailableError",
    "EngineDeadError",
    "Received an empty list as keys",
)
# What is no further line of an exception's message: tracebacks, log lines, what another process prints.
_NO_MESSAGE = re.compile(r"Traceback|^\(?.*pid=|^File \"|^During handling|^The above|\b(?:DEBUG|INFO|WARNING|ERROR)\b")
_CONTINUED = 2  # lines
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def root_cause(log: Path, limit: int = 8) -> list[str]:
    """The lines of a log that most likely say why a run failed: the first exceptions, not those that follow.

    Args:
        log: log file of the attempt.
        limit: how many lines at most.
    """
    primary: dict[str, None] = {}
    secondary: dict[str, None] = {}
    follows = 0
    with log.open(errors="replace") as lines:
        for raw in lines:
            line = _COLOURS.sub("", raw).strip()
            if _EXCEPTION.search(line):
                target = secondary if any(name in line for name in _SECONDARY) else primary
                follows = 0 if line[:400] in target else _CONTINUED
                target.setdefault(line[:400])
            elif follows and line and not _NO_MESSAGE.search(line):
                target.setdefault(f"  {line[:400]}")  # pydantic names the key on the second line
                follows -= 1
            else:
                follows = 0
    return list(primary or secondary)[:limit]
