"""The driver at the papers' scale, verl's trainer against ours: `python -m benchmarks.run driver`.

Between the GPUs' work one process handles all responses of a step: measure/driver_step.py, each case in a process of
its own, the sides in turn. Against the number of responses and their length, and once with every response written.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import timing
from benchmarks.measure.responses import PROBLEMS, SAMPLES

ROOT = Path(__file__).resolve().parents[2]
TITLE = "The driver at the papers' scale"
# (responses, limit in tokens); the last needs the memory for padded tensors of 32,768 × 8,192 numbers.
CASES = ((1024, 2048), (8192, 2048), (32768, 2048), (1024, 8192), (8192, 8192), (32768, 8192))
QUICK = ((256, 1024),)
LARGEST, NEEDED = (32768, 8192), 64 * 2**30  # bytes
PAPERS = (8192, 8192)
SIDES = {"verl": ("verl",), "ours": ("ours", "sample"), "ours, all written": ("ours", "all")}
LIMIT = 1800.0  # seconds
OF_VERL = 97  # problems of a validation: a sixteenth; verl's samples the others for minutes


def once(side: str, *words: str, keep: str = "") -> dict[str, Any]:
    """One case in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory(prefix="rlvr-driver-") as folder:
        arguments = [side, *words, folder, *([keep] if keep else [])]
        command = [sys.executable, "-m", "benchmarks.measure.driver_step", *arguments]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT)
    if run.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {run.returncode}\n{run.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def measure(quick: bool = False) -> dict[str, Any]:
    """Every case of every side, and a full validation."""
    room = psutil.virtual_memory().total >= NEEDED
    steps = []
    for count, limit in QUICK if quick else CASES:
        if (count, limit) == LARGEST and not room:
            continue
        for name, (side, *keep) in SIDES.items():
            if name in ("verl", "ours") or (count, limit) in (PAPERS, *QUICK):
                found = once(side, str(count), str(limit), keep="".join(keep))
                steps.append({"responses": count, "limit": limit, "side": name, **found})
    problems = 16 if quick else PROBLEMS
    few = min(problems, OF_VERL)
    validation = {
        "samples": problems * SAMPLES,
        "ours": once("ours", "validation", str(problems)),
        "verl": once("verl", "validation", str(few)),
        "verl_share": few / problems,
    }
    return {"steps": steps, "validation": validation, "ratios": ratios(steps)}


def ratios(steps: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Ours over verl's at the papers' size, its seconds, and how the cost per token grows from case to case."""
    cases = {(one["responses"], one["limit"], one["side"]): one for one in steps}
    found: dict[str, dict[str, float]] = {"time": {}, "memory": {}, "seconds": {}, "growth": {}}
    for name in SIDES:
        if name != "verl" and (*PAPERS, name) in cases:
            ours, verl = cases[(*PAPERS, name)], cases[(*PAPERS, "verl")]
            found["time"][name] = ours["processor"] / verl["processor"]
            found["memory"][name] = ours["memory_mib"] / verl["memory_mib"]
            found["seconds"][name] = ours["seconds"]
    for small, large in (((1024, 8192), PAPERS), ((8192, 2048), (32768, 2048)), ((8192, 2048), PAPERS)):
        pair = [cases.get((*case, "ours")) for case in (small, large)]
        costs = [one["processor"] / one["tokens"] for one in pair if one]
        if len(costs) == 2:
            found["growth"][f"{small[0]} × {small[1]} to {large[0]} × {large[1]}"] = costs[1] / costs[0]
    return found


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [
            f"{one['responses']:,} × {one['limit']:,}",
            one["side"],
            f"{one['tokens'] / 1e6:.1f}",
            *(f"{seconds:.1f}" for seconds in one["parts"].values()),
            f"**{one['seconds']:.1f}**",
            f"{one['processor']:.1f}",
            f"{one['memory_mib']:,}",
            f"{one['dump_mib']:,}",
        ]
        for one in measured["steps"]
    ]
    head = ["responses × limit", "", "M tokens", "advantages", "metrics", "dump", "its thread"]
    head += ["all, s", "processor, s", "memory, MiB", "dump, MiB"]
    whole = measured["validation"]
    share = whole["verl_share"]
    validation = [
        [side, f"{one['seconds'] * scale:.1f}", f"{one['memory_mib'] * scale:,.0f}", f"{one['dump_mib'] * scale:,.1f}"]
        for side, one, scale in (("verl (reckoned)", whole["verl"], 1 / share), ("ours", whole["ours"], 1.0))
    ]
    return f"""Responses of long-tailed length in a real TransferQueue, 16 per prompt, and the functions of the trainer
that handle them between the GPUs' work: advantages (ours also watches verdicts, groups and ends), metrics, and the
dump. Memory is the driver's peak on top of what it held before. `ours` writes at most 1,024 responses, compressed
(`dumps.keep=sample`, the default).

{timing.table(head, rows)}

A validation of {whole["samples"]:,} samples after its scoring: metrics and dump. verl's is reckoned from \
{share:.0%} of the problems.

{timing.table(["", "seconds", "memory, MiB", "dump, MiB"], validation)}"""
