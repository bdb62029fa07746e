"""A laptop that does something else meanwhile: `python -m benchmarks.busy [--steps 4]`.

The quickstart's training, quiet and with one other process at 100 % of a core, under each of several ways in which
OpenMP's threads may wait for each other; all in turn. Prints the median seconds of a step but the first, by phase.
Nothing is written: what is faster busy and not slower quiet belongs into configs/hardware/cpu.yaml.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import process_tree, timing, trainings
from recipes.common.command import command

VARIABLES = "ray_kwargs.ray_init.runtime_env.env_vars"
# Two threads that meet at a barrier a thousand times per forward pass wait a time slice each where a core is taken.
WAYS: dict[str, tuple[str, ...]] = {
    "as it is": (),
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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4, help="of each training; the first does not count (default: 4)")
    steps = max(2, parser.parse_args().steps)
    with command("Interrupted."):
        rows = []
        for name, overrides in WAYS.items():
            quiet, busy = (once(name, overrides, with_company, steps) for with_company in (False, True))
            for phase in PHASES:
                ratio = busy[phase] / quiet[phase]
                rows.append([f"{name}: {phase}", f"{quiet[phase]:.2f}", f"{busy[phase]:.2f}", f"{ratio:.2f}"])
        print(timing.table(["", "quiet, s", "busy, s", "busy / quiet"], rows))


if __name__ == "__main__":
    main()
