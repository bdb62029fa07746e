"""Ratios that a change must not make worse: `python -m benchmarks.ratios [--write]`.

Small versions of the losses and reward benchmarks, ours as a multiple of verl's time in the same rounds; less is
better. tests/performance compares them with benchmarks/baseline.json, which --write makes anew. Absolute times are
never compared: they are those of a machine.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import timing
from benchmarks.measure.responses import make_responses
from benchmarks.subjects import losses, reward
from recipes.plugin.ragged import one_thread

BASELINE = Path(__file__).resolve().parent / "baseline.json"
SHAPE, METHODS, RESPONSES = (16, 4096), ("dgpo", "maspo", "grpo"), 40
ATTEMPTS = 5

Ratios = dict[str, float]


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Attributes:
        functions: makes what is timed, by name.
        base: the name of verl's.
        rounds: calls of each per attempt.
        margin: a ratio may grow to this multiple of the baseline's.
    """

    functions: Callable[[], Mapping[str, timing.Function]]
    base: str
    rounds: int
    margin: float


SUBJECTS = {
    "losses": Subject(lambda: losses.steps_of(METHODS, *SHAPE, "cpu"), losses.VANILLA, rounds=30, margin=2.0),
    # Our pass is a round trip to a process, about a millisecond: that varies more from machine to machine.
    "reward": Subject(lambda: reward.Scorers(make_responses(RESPONSES)).passes, reward.VERL, rounds=3, margin=3.0),
}


def measure(subject: Subject, enough: Callable[[Ratios], bool] = lambda found: False) -> Ratios:
    """Best time of each as a multiple of the best time of the base.

    The best of many interleaved calls and not the median: beside other programs even the median call waits, the best is
    the one that nobody disturbed. More attempts, up to ATTEMPTS, make it better on both sides.

    Args:
        subject: what to measure.
        enough: told the ratios after each attempt; true ends the measurement.
    """
    best: dict[str, float] = {}
    with one_thread():  # two wait for the busier core
        functions = subject.functions()
        for _ in range(ATTEMPTS):
            times = timing.interleave(functions, subject.rounds)
            best = {name: min([*values, best.get(name, values[0])]) for name, values in times.items()}
            if enough(timing.ratios(best, subject.base)):
                break
    return timing.ratios(best, subject.base)


def worse(found: Ratios, baseline: Ratios, margin: float) -> list[str]:
    """Names whose ratio is beyond `margin` times the baseline's; those that the baseline lacks are not judged."""
    return [name for name, value in found.items() if name in baseline and value > margin * baseline[name]]


def table(found: Ratios, baseline: Ratios) -> str:
    """Markdown: baseline, now, and how much it grew."""
    rows = []
    for name, value in found.items():
        before = baseline.get(name)
        growth = (f"{before:.4f}", f"{value:.4f}", f"{value / before:.2f}") if before else ("–", f"{value:.4f}", "–")
        rows.append([name, *growth])
    return timing.table(["ours / verl", "baseline", "now", "growth"], rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make what was measured the baseline")
    arguments = parser.parse_args()
    baseline = json.loads(BASELINE.read_text()) if BASELINE.is_file() else {}
    found: dict[str, Ratios] = {}
    for name, subject in SUBJECTS.items():
        found[name] = {key: round(value, 4) for key, value in measure(subject).items()}
        print(f"{name}\n\n{table(found[name], baseline.get(name, {}))}\n")
    if arguments.write:
        BASELINE.write_text(json.dumps(found, indent=1) + "\n")
        print(f"wrote {BASELINE}")


if __name__ == "__main__":
    main()
