"""A disk that fills up, or a kill, at one point of a command after the other; and the same command again."""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faulty_disk import FULL, KILLED, Disk, Killed, is_end_of_a_thread

from recipes.common.command import command

ROOT = Path(__file__).resolve().parents[2]
FREEING = ("os.remove", "os.rename")


def attempt(run: Callable[[], int]) -> tuple[int, str]:
    """The exit code of a command and all that it said."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), command("Interrupted."):
            code = run()
    except SystemExit as end:
        code = int(end.code or 0)
    return code, said.getvalue()


def tried(
    disk: Disk, folder: Path, run: Callable[[], int], wrong: Callable[[], str], at: int | None, how: str
) -> dict[str, Any]:
    """One run with a fault, and the same command again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    said, trace = "", ""
    with disk.failing(at, how):
        try:
            _, said = attempt(run)
        except Killed:
            pass
        except Exception as error:  # loud below: a try with a trace is broken
            if not is_end_of_a_thread(error):  # which is how a kill inside of one comes back, and was asked for
                trace = "".join(traceback.format_exception(error)[-3:])
        points = disk.points
    code, again = attempt(run)
    return {
        "point": points[at] if at is not None and at < len(points) else None,
        "how": how,
        "said": said,
        "trace": trace,
        "again": (code, again),
        "wrong": wrong() if not code else "",
        "points": len(points),
    }


def try_all(disk: Disk, folder: Path, run: Callable[[], int], wrong: Callable[[], str], every: int) -> None:
    """Print what came of each point, or of every so many, as JSON.

    Args:
        disk: that `folder` is on.
        folder: what the command writes; made anew for each try.
        run: the command; returns its exit code.
        wrong: what is not as a finished command leaves it, in words; empty if all is well.
        every: 1 for all points.
    """
    results = [tried(disk, folder, run, wrong, None, FULL)]
    for how in (FULL, KILLED):
        results += [tried(disk, folder, run, wrong, at, how) for at in range(0, results[0]["points"], every)]
    print(json.dumps(results))


def assert_survived(program: str, folder: Path, every: int, least: int) -> None:
    """Run a program of this folder that calls `try_all`: whatever happened, the same command went on.

    In a process of its own: what listens to a disk's changes stays until the process ends.

    Args:
        program: name of its file; is given `folder` and `every`.
        folder: for its files.
        every: as in `try_all`.
        least: points that there are at least.
    """
    words = [sys.executable, ROOT / "tests" / "support" / program, folder, str(every)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    whole, *faults = json.loads(done.stdout.splitlines()[-1])
    assert not whole["wrong"] and whole["points"] > least, whole
    assert len(faults) == 2 * len(range(0, whole["points"], every))
    broken = [one for one in faults if one["trace"] or one["again"][0] or one["wrong"]]
    assert not broken, json.dumps(broken[:3], indent=1)
    full = [one for one in faults if one["how"] == FULL]
    assert all("No space left" in one["said"] or one["point"][0] in FREEING for one in full), [
        (one["point"], one["said"]) for one in full if "No space left" not in one["said"]
    ]
