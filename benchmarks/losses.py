"""Every policy loss against verl's `vanilla`, on the same tensors in the same process: `python -m benchmarks.losses`.

Forward and backward of one micro-batch of (64, 8192) float32 tokens, op by op and fused, interleaved; medians of the
time and the peak of what is allocated on top of the inputs, both as a ratio to `vanilla`. The floor is the time to copy
the bytes that must move once (log_prob, old_log_prob, advantages and mask in, the gradient out). Writes
docs/results/losses-<device>.json and .md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.workers.config import ActorConfig, PolicyLossConfig

from losses import extras
from losses.registry import METHODS
from losses.tokens import Tokens
from recipes import manifest, plugin

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
BYTES_PER_TOKEN = 4 + 4 + 4 + 1 + 4


def make_batch(rows: int, length: int, device: str) -> dict[str, torch.Tensor]:
    """Random responses of unequal length whose ratios lie on both sides of the trust region."""
    generator = torch.Generator().manual_seed(0)
    old = -3 * torch.rand(rows, length, generator=generator)
    lengths = torch.randint(length // 16, length + 1, (rows, 1), generator=generator)
    batch = {
        "old_log_prob": old,
        "log_prob": old + 0.3 * torch.randn(rows, length, generator=generator),
        "advantages": torch.randn(rows, 1, generator=generator).expand(rows, length).contiguous(),
        "response_mask": torch.arange(length) < lengths,
        "entropy": torch.rand(rows, length, generator=generator),
    }
    return {name: tensor.to(device) for name, tensor in batch.items()}


def actor_config(method: PolicyLossConfig, batch: dict[str, torch.Tensor]) -> ActorConfig:
    """verl's actor config around a method, with the sizes of a whole mini-batch as its worker sets them."""
    config = ActorConfig(strategy="fsdp", rollout_n=1, ppo_micro_batch_size_per_gpu=1, policy_loss=method)
    tokens = int(batch["response_mask"].sum())
    config.global_batch_info.update(
        dp_size=1, batch_num_tokens=tokens, global_batch_size=len(batch["log_prob"]), loss_scale_factor=None
    )
    return config


def step_of(config: ActorConfig, batch: dict[str, torch.Tensor]) -> Callable[[], Any]:
    """One forward and backward pass through the loss, called as verl calls it."""
    loss_fn = get_policy_loss_fn(config.policy_loss.loss_mode)
    inputs = {name: batch[name] for name in ("old_log_prob", "advantages", "response_mask")}
    leaf = batch["log_prob"].clone().requires_grad_()
    available = extras.Extras(entropy=batch["entropy"])
    if extras.STATISTICS in getattr(config.policy_loss, "needs", ()):
        tokens = Tokens.build(leaf, *inputs.values())
        available = extras.Extras(statistics=config.policy_loss.batch_statistics(tokens, config))

    def step() -> None:
        leaf.grad = None
        with extras.provided(available):
            loss, _ = loss_fn(log_prob=leaf, loss_agg_mode=config.loss_agg_mode, config=config, **inputs)
        loss.backward()

    return step


def seconds(step: Callable[[], Any], device: str) -> float:
    """Wall time of one call, the device's queue drained."""
    started = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def peak_bytes(step: Callable[[], Any], device: str) -> int:
    """The most that was allocated at once during one call, on top of what was there before."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    held = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def kernel_launches(step: Callable[[], Any]) -> int:
    """Kernels that one call starts on a GPU."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        step()
        torch.cuda.synchronize()
    return sum(event.count for event in profiler.key_averages() if event.device_type == torch.autograd.DeviceType.CUDA)


def copy_seconds(tokens: int, device: str, rounds: int) -> float:
    """Time to copy half the bytes that must move (a copy reads and writes each)."""
    source = torch.zeros(tokens * BYTES_PER_TOKEN // 2, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return statistics.median(seconds(lambda: target.copy_(source), device) for _ in range(rounds))


def variants() -> dict[str, PolicyLossConfig]:
    """verl's `vanilla`, and every method op by op (verl's own loss where it is one) and fused."""
    found: dict[str, PolicyLossConfig] = {"verl vanilla": PolicyLossConfig()}
    for name, config_class in METHODS.items():
        eager = config_class()
        found[f"{name} ({'verl' if eager.loss_mode == eager.verl_loss else 'eager'})"] = eager
        if eager.loss_mode == eager.verl_loss:
            found[f"{name} (eager)"] = config_class(loss_mode=config_class.own_loss)
        found[f"{name} (fused)"] = config_class(fused=True)
    return found


def measure(rows: int, length: int, device: str, rounds: int) -> dict[str, Any]:
    """All variants, interleaved.

    Returns:
        The machine and versions, the bandwidth floor in ms, and per variant: milliseconds, ratio of time and of peak
        memory to vanilla, kernel launches (GPU only).
    """
    # A training compiles the pass for one method; here one process compiles it for all.
    torch._dynamo.config.recompile_limit = 4 * len(METHODS)
    batch = make_batch(rows, length, device)
    steps = {name: step_of(actor_config(method, batch), batch) for name, method in variants().items()}
    for step in steps.values():  # warm up: compile, allocate
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(seconds(step, device))
    medians = {name: statistics.median(values) for name, values in times.items()}
    peaks = {name: peak_bytes(step, device) for name, step in steps.items()}
    base, base_peak = medians["verl vanilla"], peaks["verl vanilla"]
    results = {
        name: {
            "ms": round(1e3 * medians[name], 3),
            "time": round(medians[name] / base, 3),
            "memory": round(peaks[name] / base_peak, 3),
            **({"launches": kernel_launches(step)} if device == "cuda" else {}),
        }
        for name, step in steps.items()
    }
    floor = copy_seconds(rows * length, device, rounds)
    about: dict[str, Any] = {
        "shape": [rows, length],
        "dtype": "float32",
        "rounds": rounds,
        "floor_ms": round(1e3 * floor, 3),
    }
    about |= {"date": manifest.now()[:10], "machine": manifest.machine(), "git": manifest.git_state()}
    return {"about": {**about, "versions": manifest.versions()}, "results": results}


def table(measured: dict[str, Any], command: str) -> str:
    """The Markdown page."""
    about, results = measured["about"], measured["results"]
    launches = any("launches" in row for row in results.values())
    lines = [
        "# Cost of the losses",
        "",
        f"Forward and backward on {tuple(about['shape'])} {about['dtype']} tokens, medians of {about['rounds']}",
        f"interleaved rounds, as a ratio to verl's `vanilla` in the same process. `{command}`, {about['date']}.",
        "",
        f"Machine: {', '.join(about['machine']['gpus']) or about['machine']['processor']}, "
        f"{about['machine']['cores']} cores. torch {about['versions']['torch']}, verl {about['versions']['verl']}.",
        f"Copying the bytes that must move (17 per token) takes {about['floor_ms']} ms there.",
        "",
        "| loss | ms | time | peak memory |" + (" launches |" if launches else ""),
        "|---|---|---|---|" + ("---|" if launches else ""),
    ]
    for name, row in results.items():
        cells = [name, f"{row['ms']:.2f}", f"{row['time']:.2f}", f"{row['memory']:.2f}"]
        lines.append("| " + " | ".join(cells + ([str(row["launches"])] if launches else [])) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--length", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the two files")
    arguments = parser.parse_args()
    plugin.check()
    measured = measure(arguments.rows, arguments.length, arguments.device, arguments.rounds)
    arguments.output.mkdir(parents=True, exist_ok=True)
    stem = arguments.output / f"losses-{arguments.device}"
    page = table(measured, "python -m benchmarks.losses")
    stem.with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n")
    stem.with_suffix(".md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
