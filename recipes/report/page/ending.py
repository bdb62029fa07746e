"""How a run ended, or that it goes on: from its manifest, its lock and its latest sign of life."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from recipes.common import durations
from recipes.common.console import root_cause
from recipes.common.secrets import redacted_text
from recipes.report.page.run_files import RunFiles
from recipes.report.page.sanitize import display_text, without_colours
from recipes.runs.run_folder import CONFIG, MANIFEST, METRICS, RunFolder

QUIET = 10 * 60.0  # seconds; a step may take as long
SILENT_AFTER = 30 * 60.0  # seconds without a sign of life after which a run of another machine counts as killed
_WORDS = {"finished": "finished", "failed": "failed", "interrupted": "interrupted"}


@dataclass(frozen=True)
class Ending:
    """How a run stands.

    Attributes:
        word: finished, failed, interrupted, running, killed, waiting or unknown.
        sentence: the same with what a reader can do.
        cause: lines of the log that say why it failed.
    """

    word: str
    sentence: str
    cause: list[str]


def ending(run: RunFiles) -> Ending:
    """How the latest attempt stands."""
    status = run.manifest.get("status")
    if status in _WORDS:
        return _ended(run, str(status))
    if status == "running":
        return _running(run)
    if not run.rows and not run.config:
        return Ending("waiting", "The run has not begun yet.", [])
    return Ending("unknown", "How the run ended is not recorded.", [])


def _ended(run: RunFiles, status: str) -> Ending:
    if status == "finished":
        return Ending(status, "The run has finished.", [])
    if status == "interrupted":
        return Ending(status, "It was interrupted; the same command continues it from its last checkpoint.", [])
    return Ending(status, "It failed.", cause(run))


def _running(run: RunFiles) -> Ending:
    silent = time.time() - last_sign(run)
    ago = f"{durations.words(silent)} ago"
    if is_locked(run.path):
        return Ending("running", "It is running." if silent < QUIET else f"It is running, but last wrote {ago}.", [])
    if silent < SILENT_AFTER:
        return Ending("running", "It runs on another machine, or was killed a moment ago.", [])
    return Ending("killed", f"It was killed without a word; it last wrote {ago}.", cause(run))


def cause(run: RunFiles) -> list[str]:
    """Lines of the latest log that most likely say why, without secrets; none where there is no log."""
    listed = latest(run).get("log")
    log = run.inside(listed) if isinstance(listed, str) else None
    if log is None:
        return []
    return [display_text(redacted_text(without_colours(line)), 400) for line in root_cause(log)]


def latest(run: RunFiles) -> dict[str, Any]:
    """The latest attempt of the manifest, {} without one."""
    return run.attempts[-1] if run.attempts else {}


def last_sign(run: RunFiles) -> float:
    """When the run last wrote to its metrics, log or manifest; seconds since the epoch."""
    files = [run.path / name for name in (METRICS, MANIFEST, str(latest(run).get("log", CONFIG)))]
    return max((file.stat().st_mtime for file in files if file.is_file()), default=run.path.stat().st_mtime)


def is_locked(folder: Path) -> bool:
    """Whether a process of this machine holds the lock of a run (recipes.train.session). Looks without touching it."""
    lock = RunFolder(folder.resolve()).lock
    try:
        inode = str(lock.stat().st_ino)
        return any(line.split()[5].rsplit(":", 1)[-1] == inode for line in Path("/proc/locks").read_text().splitlines())
    except (OSError, IndexError):  # no lock, or no Linux
        return False


def seconds_taken(run: RunFiles) -> float:
    """Wall-clock seconds of all attempts; one that did not end counts to the last sign of life."""
    total = 0.0
    for place, attempt in enumerate(run.attempts):
        started, ended = _time(attempt, "started"), _time(attempt, "ended")
        if ended is None and place == len(run.attempts) - 1:
            ended = last_sign(run)
        if started is not None and ended is not None:
            total += max(0.0, ended - started)
    return total


def _time(attempt: dict[str, Any], key: str) -> float | None:
    try:
        return datetime.fromisoformat(attempt[key]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None
