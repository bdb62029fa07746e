"""What importing takes: wall time in fresh processes in turn, and the packages in which it goes (`-X importtime`)."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import timing

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("recipes.train", "recipes.train.session", "recipes.plugin.task_runner", "verl.trainer.main_ppo", "vllm")


def measure(rounds: int) -> dict[str, dict[str, Any]]:
    """Per module: median seconds of its import in a fresh process, and seconds by top-level package."""
    bare = "an empty program"
    programs = {bare: "pass"} | {module: f"import {module}" for module in MODULES}
    times = timing.interleave({name: _program(code) for name, code in programs.items()}, rounds)
    middle = timing.medians(times)
    return {
        module: {"seconds": round(middle[module] - middle[bare], 2), "packages": by_package(_importtime(module))}
        for module in MODULES
    }


def _program(code: str) -> Callable[[], Any]:
    command = [sys.executable, "-c", code]
    return lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _importtime(module: str) -> str:
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stderr


def by_package(importtime: str, shown: int = 6) -> dict[str, float]:
    """Seconds of the modules themselves, added up by top-level package; the costliest ones, and the rest.

    Args:
        importtime: what `-X importtime` printed; times are in microseconds.
        shown: how many packages to name.
    """
    microseconds: Counter[str] = Counter()
    for line in importtime.splitlines():
        cells = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and len(cells) == 3 and cells[0].strip().isdigit():
            microseconds[cells[2].strip().split(".")[0]] += int(cells[0])
    named = microseconds.most_common(shown)
    rest = microseconds.total() - sum(value for _, value in named)
    return {name: round(value / 1e6, 2) for name, value in [*named, ("others", rest)]}
