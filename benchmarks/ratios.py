"""Ratios that a change must not make worse: `python -m benchmarks.ratios [--write]`.

Small versions of the losses and reward benchmarks, ours as a multiple of verl's time in the same rounds; less is better.
tests/performance compares them with benchmarks/baseline.json, which --write makes anew. Absolute times are never
compared: they are those of a machine.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks import losses, measuring, reward
from benchmarks.responses import make_responses

BASELINE = Path(__file__).resolve().parent / "baseline.json"
SHAPE, RESPONSES = (16, 4096), 40
METHODS = ("dgpo", "maspo", "grpo")
MARGIN = 2.0  # a ratio may grow to this multiple of the baseline's

Ratios = dict[str, float]


def ratios_of(functions: Mapping[str, measuring.Function], base: str, rounds: int) -> Ratios:
    """Best time of each as a multiple of the best time of `base`.

    The best of many interleaved calls and not the median: beside other programs even the median of short calls is that
    of the waiting, the best call is the one that nobody disturbed.
    """
    times = measuring.interleave(functions, rounds)
    return measuring.ratios({name: min(values) for name, values in times.items()}, base)


def of_losses(rounds: int = 40) -> Ratios:
    """Forward and backward of ours against verl's `vanilla`, on one thread: threads of a busy machine wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return ratios_of(losses.steps_of(METHODS, *SHAPE, "cpu"), losses.VANILLA, rounds)
    finally:
        torch.set_num_threads(threads)


def of_reward(rounds: int = 4) -> Ratios:
    """Time for the same responses of ours against verl's `math_verify`."""
    return ratios_of(reward.Scorers(make_responses(RESPONSES)).passes, reward.VERL, rounds)


def best_of(measure: Callable[[], Ratios], baseline: Mapping[str, float], attempts: int = 4) -> Ratios:
    """Measure until every ratio is within the margin, at most so many times; the best of each counts."""
    best: Ratios = {}
    for _ in range(attempts):
        best = {name: min(value, best.get(name, value)) for name, value in measure().items()}
        if not worse(best, baseline):
            break
    return best


def worse(found: Mapping[str, float], baseline: Mapping[str, float], margin: float = MARGIN) -> list[str]:
    """Names whose ratio is beyond `margin` times the baseline's; those that the baseline lacks are not judged."""
    return [name for name, value in found.items() if name in baseline and value > margin * baseline[name]]


def table(found: Mapping[str, float], baseline: Mapping[str, float]) -> str:
    """Markdown: baseline, now, and how much it grew."""
    rows: list[list[Any]] = []
    for name, value in found.items():
        before = baseline.get(name)
        cells = [f"{before:.4f}", f"{value:.4f}", f"{value / before:.2f}"] if before else ["–", f"{value:.4f}", "–"]
        rows.append([name, *cells])
    return measuring.table(["ours / verl", "baseline", "now", "growth"], rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make what was measured the baseline")
    arguments = parser.parse_args()
    baseline = json.loads(BASELINE.read_text()) if BASELINE.is_file() else {}
    found: dict[str, Ratios] = {}
    for subject, measure in {"losses": of_losses, "reward": of_reward}.items():
        measured = [measure() for _ in range(3)]
        found[subject] = {name: round(min(one[name] for one in measured), 4) for name in measured[0]}
        print(f"{subject}\n\n{table(found[subject], baseline.get(subject, {}))}\n")
    if arguments.write:
        BASELINE.write_text(json.dumps(found, indent=1) + "\n")
        print(f"wrote {BASELINE}")


if __name__ == "__main__":
    main()
