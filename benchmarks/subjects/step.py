"""A step of training, verl's own command against recipes.train: `python -m benchmarks.run step`.

The same tiny training (measure/trainings.py), in turn A B A B: seconds per phase of a step, and the most memory of
all processes of a run. Logs are kept in outputs/benchmarks/.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import process_tree, timing, trainings
from benchmarks.measure.trainings import OURS, STOCK, Training

TITLE = "A step of training against verl's own command"
PHASES = ("gen", "old_log_prob", "adv", "update_actor", "update_weights", "step")
REST = "step without gen"
MEMORY_INTERVAL = 5.0  # seconds; reading the memory of some thirty processes takes time from them

Rows = Sequence[Mapping[str, float]]


def measure(quick: bool = False) -> dict[str, Any]:
    """Both sides in turn.

    Returns:
        Steps and runs; per side medians in seconds and spread by phase, and the peak memory in MiB; ratios ours/stock.
    """
    runs, steps = (1, 3) if quick else (2, 10)
    folder = trainings.results_folder("step")
    overrides = (f"trainer.total_training_steps={steps}", "trainer.val_before_train=false")
    rows: dict[str, list[Mapping[str, float]]] = {OURS: [], STOCK: []}
    peaks: dict[str, list[int]] = {OURS: [], STOCK: []}
    for run in range(1, runs + 1):
        for side, make in ((OURS, trainings.ours), (STOCK, trainings.stock)):
            training = make(folder / f"{side.split(',')[0]}-{run}", *overrides)
            peaks[side].append(run_once(training))
            rows[side] += training.rows()[1:]  # the first step compiles and warms up
    return {"steps": steps, "runs": runs, "folder": str(folder.relative_to(trainings.ROOT)), **compare(rows, peaks)}


def run_once(training: Training) -> int:
    """Train to the end; the most memory of all its processes in bytes, shared pages counted once."""
    with training.started() as process:
        memory = process_tree.TreeMemory(process.pid, shared_once=True)
        process_tree.wait(process, trainings.LIMIT, [(MEMORY_INTERVAL, memory.look)])
        training.check(process)
    return memory.tree


def seconds_by_phase(rows: Rows) -> dict[str, list[float]]:
    """Phase → its seconds in each step; a phase that a step lacks took none of it."""
    found = {phase: [row.get(f"timing_s/{phase}", 0.0) for row in rows] for phase in PHASES}
    found[REST] = [whole - gen for whole, gen in zip(found["step"], found["gen"], strict=True)]
    return found


def compare(rows: Mapping[str, Rows], peaks: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Medians, spreads and ratios of both sides."""
    phases: dict[str, Any] = {}
    both = {side: seconds_by_phase(of_side) for side, of_side in rows.items()}
    for phase in (*PHASES, REST):
        middle = {side: statistics.median(seconds[phase]) for side, seconds in both.items()}
        phases[phase] = {
            "seconds": {side: round(value, 4) for side, value in middle.items()},
            "spread": {side: round(timing.spread(seconds[phase]), 2) for side, seconds in both.items()},
            "ratio": round(middle[OURS] / middle[STOCK], 3) if middle[STOCK] else None,
        }
    memory = {side: statistics.median(values) for side, values in peaks.items()}
    return {
        "phases": phases,
        "peak_mib": {side: round(value / 2**20) for side, value in memory.items()},
        "memory_ratio": round(memory[OURS] / memory[STOCK], 3) if memory[STOCK] else None,
    }


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for phase, found in measured["phases"].items():
        cells = [f"{found['seconds'][side]:.3f} (±{50 * found['spread'][side]:.0f} %)" for side in (STOCK, OURS)]
        rows.append([f"`{phase}`" if phase in PHASES else phase, *cells, found["ratio"]])
    memory = measured["peak_mib"]
    rows.append(["memory of all processes, MiB", f"{memory[STOCK]:,}", f"{memory[OURS]:,}", measured["memory_ratio"]])
    return f"""The tiny model and task, 16 prompts × 8 samples and 4 updates per step, on a CPU: {measured["runs"]} \
runs of {measured["steps"]} steps
of each side in turn. Seconds per phase, medians over the steps but the first of each run, ± half the distance between
the quartiles. Both sides run one config; verl's has its own trainer, its `vanilla` loss (GRPO) and its `math_verify`
reward. Memory is the sum over all processes of a run, shared pages counted once.

{timing.table(["phase", STOCK, OURS, "ratio"], rows)}

`gen` is not what a method costs: verl's trainer looks for finished responses every 2 s, ours every 0.2 s, so its
generation is rounded up to the next 2 s; and each side scores its responses meanwhile. What the plug-in adds shows in
`update_actor`, `old_log_prob`, `adv` and the step without generation."""
