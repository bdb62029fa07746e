"""A laptop that does something else meanwhile: `python -m benchmarks.run busy`.

The quickstart's training, quiet and with one other process at 100 % of a core, under each of several ways in which
OpenMP's threads may wait for each other; all in turn. What is faster busy and not slower quiet belongs into
configs/hardware/cpu.yaml.
"""

import contextlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import process_tree, timing, trainings

TITLE = "With one core taken by something else"
VARIABLES = "ray_kwargs.ray_init.runtime_env.env_vars"
AS_IT_IS = "as it is"
# Two threads that meet at a barrier a thousand times per forward pass wait a time slice each where a core is taken.
WAYS: dict[str, tuple[str, ...]] = {
    AS_IT_IS: (),
    "waiting threads sleep": (f"+{VARIABLES}.OMP_WAIT_POLICY=passive", f"+{VARIABLES}.KMP_BLOCKTIME='0'"),
    "one thread": (f"+{VARIABLES}.OMP_NUM_THREADS='1'",),
}
PHASES = ("gen", "old_log_prob", "update_actor", "step")


@contextlib.contextmanager
def company(wanted: bool) -> Iterator[None]:
    """One process that never rests, for the time of the block."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def once(name: str, overrides: tuple[str, ...], busy: bool, steps: int) -> dict[str, float]:
    """Median seconds by phase of one training."""
    folder = trainings.results_folder(f"busy-{name.replace(' ', '-')}-{'busy' if busy else 'quiet'}")
    wanted = (f"trainer.total_training_steps={steps}", "trainer.val_before_train=false", *overrides)
    training = trainings.ours(folder / "run", *wanted)
    with company(busy), training.started() as process:
        process_tree.wait(process, trainings.LIMIT)
        training.check(process)
    rows: list[dict[str, Any]] = training.rows()[1:]  # the first step compiles and warms up
    return {phase: statistics.median(row[f"timing_s/{phase}"] for row in rows) for phase in PHASES}


def measure(quick: bool = False) -> dict[str, Any]:
    """Way → seconds by phase, quiet and busy."""
    steps = 2 if quick else 4
    return {
        name: {"quiet": once(name, overrides, False, steps), "busy": once(name, overrides, True, steps)}
        for name, overrides in WAYS.items()
    }


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [name, phase, f"{seconds:.2f}", f"{one['busy'][phase]:.2f}", f"{one['busy'][phase] / seconds:.2f}"]
        for name, one in measured.items()
        for phase, seconds in one["quiet"].items()
    ]
    return f"""The quickstart's training on two cores, quiet and with one other process at 100 % of a core, in turn;
medians of the steps but the first. The other ways of letting OpenMP's threads wait were tried beside what the preset
does.

{timing.table(["threads", "phase", "quiet, s", "busy, s", "busy / quiet"], rows)}"""
