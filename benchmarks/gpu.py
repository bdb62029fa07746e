"""What one GPU can tell in ten minutes: `python -m benchmarks.gpu --output FOLDER`.

torch, triton, transformers and this checkout suffice. Three parts, each asked for by name or all of them.

**losses**

DGPO, MASPO and GRPO op by op (eager), through torch.compile as one would write it oneself (compiled), and through the
fused pass (losses/fused.py), beside a clipped PPO loss: verl's `vanilla` where verl is installed, else one written out
here. What is called is losses.surrogate.policy_loss, with its metrics, and a backward pass.

Per size (8, 32, 128, 512) × 8192: milliseconds (CUDA events, medians of rounds in turn, L2 overwritten before each
call), multiples of the time that the bytes which must move take at the speed of a large copy, peak memory, kernel
launches, and the error of the gradient against the eager loss in float64.

**recompilations**: graphs that torch compiles while the fused pass meets twenty lengths of a batch.

**update**: one actor update of a 1.5B-shaped Qwen2 with random weights in bf16 (measure/actor_update.py), with
every attention that is installed: seconds and peak memory beside what recipes.plan says, where omegaconf is installed.

Exit code 2 without CUDA.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import recompilations, tensor_cost, timing
from benchmarks.measure.actor_config import Actor
from dgpo.config import DGPOConfig
from losses.baselines.grpo import GRPOConfig
from losses.surrogate import policy_loss
from maspo.config import MASPOConfig

ROWS: tuple[int, ...] = (8, 32, 128, 512)
LENGTH, ROUNDS = 8192, 15
LENGTHS = 20  # that the fused pass meets
PARTS = ("losses", "recompilations", "update")
L2_BYTES = 256 * 2**20  # more than the L2 cache of any GPU
HAS_VERL = find_spec("verl") is not None
CLIPPED = "verl vanilla" if HAS_VERL else "PPO written out"

Batch = dict[str, torch.Tensor]
Step = Callable[[], torch.Tensor]


def make_batch(rows: int, length: int, device: str) -> Batch:
    """Responses of unequal length whose ratios lie on both sides of the trust region."""
    generator = torch.Generator(device).manual_seed(0)
    on: dict[str, Any] = {"generator": generator, "device": device}
    old = -3 * torch.rand(rows, length, **on)
    lengths = torch.randint(length // 16, length + 1, (rows, 1), **on)
    return {
        "old_log_prob": old,
        "log_prob": old + 0.3 * torch.randn(rows, length, **on),
        "advantages": torch.randn(rows, 1, **on).expand(rows, length).contiguous(),
        "response_mask": torch.arange(length, device=device) < lengths,
    }


def written_out(old_log_prob: torch.Tensor, log_prob: torch.Tensor, config: Actor, **given: Any) -> Any:
    """PPO's clipped loss with dual clip, op by op, with the three metrics that trainers log."""
    advantages, mask = given["advantages"], given["response_mask"].float()
    tokens = config.global_batch_info["batch_num_tokens"]
    log_ratio = (log_prob - old_log_prob).clamp(-20.0, 20.0)
    ratio = log_ratio.exp()
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1 - config.clip_ratio_low, 1 + config.clip_ratio_high)
    larger = torch.maximum(plain, clipped)
    dual = torch.minimum(larger, -advantages * config.clip_ratio_c)
    loss = torch.where(advantages < 0, dual, larger)
    shares = {"kl": -log_ratio, "clipped": (clipped > plain).float(), "dual": (dual < larger).float()}
    metrics = {name: ((value * mask).sum() / tokens).detach().item() for name, value in shares.items()}
    return (loss * mask).sum() / tokens, metrics


def clipped_loss() -> Callable[..., Any]:
    """What ours are compared with."""
    if not HAS_VERL:
        return written_out
    from verl.trainer.ppo.core_algos import get_policy_loss_fn

    return get_policy_loss_fn("vanilla")  # type: ignore[no-any-return]


def step_of(loss_fn: Callable[..., Any], method: Any, batch: Batch) -> Step:
    """One forward and backward pass; returns the gradient, (B, T)."""
    sizes: dict[str, Any] = {"dp_size": 1, "batch_num_tokens": int(batch["response_mask"].sum())}
    sizes |= {"global_batch_size": len(batch["log_prob"]), "loss_scale_factor": None}
    actor = Actor(method, sizes)
    leaf = batch["log_prob"].clone().requires_grad_()
    inputs = {name: value for name, value in batch.items() if name != "log_prob"}

    def step() -> torch.Tensor:
        leaf.grad = None
        loss, _ = loss_fn(log_prob=leaf, loss_agg_mode="token-mean", config=actor, **inputs)
        loss.backward()
        assert leaf.grad is not None
        return leaf.grad

    return step


def steps_of(batch: Batch, methods: dict[str, Any]) -> tuple[dict[str, Step], dict[str, Step]]:
    """What is timed by name, and for each name the same method in float64, op by op."""
    wide = {name: value.double() if value.is_floating_point() else value for name, value in batch.items()}
    clipped = clipped_loss()
    steps = {
        f"{CLIPPED} (eager)": step_of(clipped, None, batch),
        f"{CLIPPED} (compiled)": step_of(torch.compile(clipped, dynamic=True), None, batch),
    }
    exact = dict.fromkeys(steps, step_of(clipped, None, wide))
    for name, config_class in methods.items():
        eager = config_class(loss_mode=config_class.own_loss)
        compiled = torch.compile(policy_loss, dynamic=True)
        own = {
            f"{name} (eager)": step_of(policy_loss, eager, batch),
            f"{name} (compiled)": step_of(compiled, eager, batch),
            f"{name} (fused)": step_of(policy_loss, config_class(fused=True), batch),
        }
        steps |= own
        exact |= dict.fromkeys(own, step_of(policy_loss, eager, wide))
    return steps, exact


def event_clock(function: timing.Function) -> float:
    """Seconds on the GPU from the first kernel of a call to its last, with a cold L2 cache."""
    torch.empty(L2_BYTES, dtype=torch.uint8, device="cuda").zero_()
    started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    started.record()
    function()
    ended.record()
    torch.cuda.synchronize()
    return started.elapsed_time(ended) / 1e3


def error_of(gradient: torch.Tensor, exact: torch.Tensor) -> float:
    """Largest difference as a share of the largest entry."""
    return float((gradient.double() - exact).abs().max() / exact.abs().max())


def measure(rows: int, length: int, device: str, rounds: int, methods: dict[str, Any]) -> dict[str, Any]:
    """All variants on one size."""
    batch = make_batch(rows, length, device)
    steps, exact = steps_of(batch, methods)
    errors = {name: error_of(step(), exact[name]()) for name, step in steps.items()}
    copied = tensor_cost.COPIED if device == "cuda" else 2**20
    timed = {**steps, "copy": tensor_cost.copying(device, copied)}
    times = timing.interleave(timed, rounds, clock=event_clock if device == "cuda" else timing.seconds)
    bandwidth = tensor_cost.bandwidth(times.pop("copy"), copied)
    floor = tensor_cost.floor_seconds(rows * length, bandwidth)
    middle = timing.medians(times)
    results = {
        name: {
            "ms": round(1e3 * middle[name], 4),
            "spread": round(timing.spread(times[name]), 3),
            "time": round(middle[name] / middle[f"{CLIPPED} (eager)"], 3),
            "floors": round(middle[name] / floor, 2),
            "peak_mib": round(tensor_cost.peak_bytes(step, device) / 2**20, 1),
            **({"launches": tensor_cost.kernel_launches(step)} if device == "cuda" else {}),
            "error": errors[name],
        }
        for name, step in steps.items()
    }
    return {"rows": rows, "length": length, "copy_gb_per_s": round(bandwidth / 1e9, 1), "results": results}


def recompiled(device: str, longest: int, methods: dict[str, Any]) -> dict[str, int]:
    """Graphs compiled over LENGTHS lengths, by method."""
    met = recompilations.lengths(LENGTHS, longest)

    def call(method: Any) -> Callable[[int], object]:
        return lambda length: step_of(policy_loss, method(fused=True), make_batch(4, length, device))()

    return {name: recompilations.graphs(call(method), met) for name, method in methods.items()}


def updates(device: str, selftest: bool) -> dict[str, Any]:
    """The actor update with every attention; what fails is kept with its reason, the others go on."""
    from benchmarks.measure import actor_update

    shape = actor_update.SMALL if selftest else actor_update.REAL
    gpu = torch.cuda.get_device_properties(0).name if device == "cuda" else ""
    results: dict[str, Any] = {}
    for attention in actor_update.attentions(device):
        try:
            results[attention] = actor_update.measure(shape, attention, device, rounds=1 if selftest else 3)
        except (RuntimeError, ValueError, ImportError, NotImplementedError) as error:
            if selftest:
                raise
            results[attention] = {"failed": str(error).splitlines()[0][:200]}
    return {"tokens": shape.tokens, "results": results, "planned": actor_update.planned(shape, gpu)}


def machine() -> dict[str, Any]:
    """Card, driver side and versions, from torch alone."""
    found: dict[str, Any] = {"date": datetime.now(timezone.utc).date().isoformat(), "system": platform.platform()}
    found |= {"python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda}
    if torch.cuda.is_available():
        import triton

        card = torch.cuda.get_device_properties(0)
        found |= {"triton": triton.__version__, "gpu": card.name, "gpu_memory_gib": round(card.total_memory / 2**30, 1)}
    return found


def page(measured: dict[str, Any]) -> str:
    """Markdown."""
    lines = ["# What one GPU says", "", ", ".join(f"{k} {v}" for k, v in measured["machine"].items()), ""]
    if measured["selftest"]:
        lines += ["**A self-test on a CPU: the numbers mean nothing.**", ""]
    lines += [
        f"Forward and backward, float32, medians of {measured['rounds']} rounds in turn. `time` is a multiple of",
        f"{CLIPPED} (eager); `floor` the time that {tensor_cost.BYTES_PER_TOKEN} bytes per token take at the speed of",
        "a copy; `error` the largest difference of the gradient to float64, as a share of its largest entry.",
    ]
    lines += [*_losses(measured), *_recompiled(measured), *_updates(measured)]
    return "\n".join(lines) + "\n"


def _losses(measured: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    keys = ("ms", "time", "floors", "peak_mib")
    head = ["loss", "ms", "time", "time / floor", "peak MiB", "launches", "error"]
    for size in measured.get("sizes", []):
        rows = [
            [name, *(row[key] for key in keys), row.get("launches", "–"), f"{row['error']:.1e}"]
            for name, row in size["results"].items()
        ]
        lines += ["", f"## {size['rows']} × {size['length']}: a copy moves {size['copy_gb_per_s']} GB/s", ""]
        lines += [timing.table(head, rows)]
    return lines


def _recompiled(measured: dict[str, Any]) -> list[str]:
    if "recompilations" not in measured:
        return []
    rows = [[name, graphs] for name, graphs in measured["recompilations"].items()]
    return ["", f"## Graphs compiled for {LENGTHS} lengths", "", timing.table(["fused pass", "graphs"], rows)]


def _updates(measured: dict[str, Any]) -> list[str]:
    if "update" not in measured:
        return []
    update = measured["update"]
    shown = ("seconds", "peak_gib", "gradient_norm")
    rows = [
        [name, *(row.get(key, row.get("failed", "–")) if row.get(key, "") is not None else "–" for key in shown)]
        for name, row in update["results"].items()
    ]
    planned = update["planned"]
    if planned:
        fast, central, slow = planned["seconds"]
        low, high = planned["peak_gib"]
        rows.append(["planned", f"{central} ({fast}–{slow})", f"{low}–{high}", "–"])
    title = f"## One actor update of {update['tokens']:,} tokens"
    return ["", title, "", timing.table(["attention", "seconds", "peak GiB", "gradient norm"], rows)]


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="folder for gpu.{json,md}")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument("--cpu-selftest", action="store_true", help="small sizes on the CPU: does this script work?")
    arguments = parser.parse_args()
    if not arguments.cpu_selftest and not torch.cuda.is_available():
        print("No CUDA device: run this on a GPU, or with --cpu-selftest.", file=sys.stderr)
        return 2
    torch._dynamo.config.recompile_limit = 64  # a training compiles for one method, this process for all
    methods: dict[str, Any] = {"dgpo": DGPOConfig, "maspo": MASPOConfig, "grpo": GRPOConfig}
    device, sizes, length, rounds = "cuda", ROWS, LENGTH, ROUNDS
    if arguments.cpu_selftest:
        methods = {"dgpo": DGPOConfig}
        device, sizes, length, rounds = "cpu", (2, 4), 256, 2
    measured = {"machine": machine(), "selftest": arguments.cpu_selftest, "rounds": rounds}
    if "losses" in arguments.only:
        measured["sizes"] = [measure(rows, length, device, rounds, methods) for rows in sizes]
    if "recompilations" in arguments.only:
        measured["recompilations"] = recompiled(device, length, methods)
    if "update" in arguments.only:
        measured["update"] = updates(device, arguments.cpu_selftest)
    print(page(measured))
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "gpu.json").write_text(json.dumps(measured, indent=1) + "\n")
        (arguments.output / "gpu.md").write_text(page(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
