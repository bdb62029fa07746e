"""Where the time of the quickstart goes: `python -m benchmarks.run quickstart_time`.

One whole `python -m recipes.train experiment=quickstart`, its base model and data made anew, installation left out: its
seconds by part, and the processor seconds of each kind of process. `--quick` stops after three steps.
Its files are kept in outputs/benchmarks/.
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from typing import Any

import psutil

from benchmarks.measure import process_tree, timing, trainings
from benchmarks.subjects import startup
from recipes.common import processes
from recipes.report.summary import accuracy_by_step
from recipes.runs.run_folder import RunFolder

TITLE = "Where the time of the quickstart goes"
PHASES = ("gen", "old_log_prob", "adv", "update_actor", "update_weights", "save_checkpoint")
VALIDATION = "testing"  # verl's name; not part of a step
# Processes that do what verl, vLLM and Ray start them for; all others (Ray's own, idle workers) are taken together.
KIND = re.compile(r"(?:ray|VLLM)::(\w+)|-m (recipes\.train)")


class ProcessorTime:
    """Seconds of processor time by kind of process, of a process and all that it starts."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seconds: dict[int, tuple[str, float]] = {}

    def look(self) -> None:
        """Read the times once; what a process uses after the last look is lost."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._pid)
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    found = KIND.match(" ".join(process.cmdline())) or KIND.search(" ".join(process.cmdline()[1:3]))
                    kind = (found[1] or found[2]) if found else "others"
                    self._seconds[process.pid] = (kind, times.user + times.system)

    def by_kind(self) -> dict[str, float]:
        """Kind → seconds, most first."""
        sums: dict[str, float] = defaultdict(float)
        for kind, seconds in self._seconds.values():
            sums[kind] += seconds
        return {kind: round(seconds, 1) for kind, seconds in sorted(sums.items(), key=lambda item: -item[1])}


def measure(quick: bool = False) -> dict[str, Any]:
    """Run it once."""
    folder = trainings.results_folder("quickstart")
    folder.mkdir(parents=True)
    words = ["experiment=quickstart", f"output_root={folder / 'outputs'}"]
    words += ["trainer.total_training_steps=3"] if quick else []
    environment = {**os.environ, "RLVR_CACHE": str(folder / "cache")}
    processes.adopt_orphans()
    began = time.time()
    with (folder / "output.log").open("wb") as log:
        command = [sys.executable, "-m", "recipes.train", *words]
        process = subprocess.Popen(command, cwd=trainings.ROOT, env=environment, stdout=log, stderr=log)
        used = ProcessorTime(process.pid)
        logs = lambda: [folder / "output.log", *RunFolder.logs_below(folder)]  # noqa: E731
        ends = startup.Ends(began, logs)
        whole = process_tree.wait(process, trainings.LIMIT, [(1.0, used.look), (0.2, ends.look)])
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}; see {folder}")
    (run,) = RunFolder.found(folder)
    rows = [row for row in run.rows() if "timing_s/step" in row["data"]]
    phases = {name: round(sum(row["data"].get(f"timing_s/{name}", 0.0) for row in rows), 1) for name in PHASES}
    accuracy = accuracy_by_step(run.rows())
    return {
        "whole": round(whole, 1),
        "steps": len(rows),
        "start": startup.lengths(ends.seconds),
        "phases": phases,
        "validation": round(sum(row["data"].get(f"timing_s/{VALIDATION}", 0.0) for row in rows), 1),
        "in_steps": round(sum(row["data"]["timing_s/step"] for row in rows), 1),
        "processor": used.by_kind(),
        "avg_before": accuracy[min(accuracy)],
        "avg_after": accuracy[max(accuracy)],
    }


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    start = [[f"start: {name}", seconds] for name, seconds in measured["start"].items() if seconds is not None][:-1]
    phases = [
        [f"{measured['steps']} steps: {name}", seconds] for name, seconds in measured["phases"].items() if seconds
    ]
    rest = measured["in_steps"] - sum(measured["phases"].values())
    told = sum(seconds for _, seconds in start) + measured["in_steps"] + measured["validation"]
    parts = [*start, *phases, [f"{measured['steps']} steps: the rest", round(rest, 1)]]
    parts += [["validation after training", measured["validation"]]]
    parts += [["metrics and dumps between the steps, the end", round(measured["whole"] - told, 1)]]
    parts += [["**sum**", measured["whole"]]]
    kinds = [[kind, seconds] for kind, seconds in measured["processor"].items() if seconds >= 1]
    return f"""`python -m recipes.train experiment=quickstart`, base model and data made anew, installation left out: \
{measured["whole"] / 60:.1f} minutes.
Avg@4 {measured["avg_before"]:.1%} before, {measured["avg_after"]:.1%} after {measured["steps"]} steps.

{timing.table(["part", "seconds"], parts)}

{timing.table(["processes", "processor seconds"], kinds)}"""
