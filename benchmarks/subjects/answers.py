"""How long a command takes to say that it can't be meant, or what it means: `python -m benchmarks.run answers`.

Wrong keys, choices and values, a printed config, a picture; each command in a process of its own, several times. Beside
the clock the seconds of the processor, which other programs disturb less.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import timing

ROOT = Path(__file__).resolve().parents[2]
TITLE = "Until a command answers"
COMMANDS = {
    "a wrong key": "recipes.train trainer.total_steps=3",
    "a wrong group": "recipes.train polcy_loss=dgpo",
    "a wrong choice": "recipes.train policy_loss=dpgo",
    "a wrong value": "recipes.train actor_rollout_ref.rollout.n=0",
    "a wrong choice of an evaluation": "recipes.evaluate model=tiny eval=papers",
    "the config": "recipes.train experiment=dgpo/7b_dgpo hardware=8x80gb --cfg job",
    "the help": "recipes.train --help",
    "a plan": "recipes.plan experiment=dgpo/7b_dgpo hardware=8x80gb",
    "a method's weight": "recipes.report weights policy_loss=dgpo dgpo_n=2",
}
REFUSED = 2


def once(words: str) -> tuple[float, float]:
    """Seconds on the clock and of the processor.

    Raises:
        RuntimeError: it ended otherwise than it should.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-m", *words.split()], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode not in (0, REFUSED) or "Traceback" in run.stderr:
        raise RuntimeError(f"{words}: exit code {run.returncode}\n{run.stderr[-1000:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(quick: bool = False) -> dict[str, Any]:
    """Command → medians of its seconds."""
    times = 1 if quick else 5
    found = {}
    for what, words in COMMANDS.items():
        runs = [once(words) for _ in range(times + 1)][1:]  # the first finds the files
        clock, processor = (statistics.median(column) for column in zip(*runs, strict=True))
        found[what] = {"command": words, "seconds": round(clock, 2), "processor": round(processor, 2), "times": times}
    return found


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [what, f"`{one['command']}`", f"{one['seconds']:.1f}", f"{one['processor']:.1f}"]
        for what, one in measured.items()
    ]
    times = next(iter(measured.values()))["times"]
    return f"""Seconds from a command to its end (python -m stands before each); medians of {times}.

{timing.table(["answer", "command", "seconds", "of the processor"], rows)}"""
