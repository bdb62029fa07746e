"""What a call costs on a device: time, memory, kernel launches; and what the device's memory can do at best.

torch only: benchmarks/gpu.py runs where little else is installed.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.measure import timing

# log_prob, old_log_prob and advantages (float32) and the mask (bool) are read once, the gradient is written once.
BYTES_PER_TOKEN = 4 + 4 + 4 + 1 + 4
COPIED = 256 * 2**20  # bytes; no cache holds it


def clock_of(device: str) -> timing.Clock:
    """Wall time until the device's queue has drained."""

    def clock(function: timing.Function) -> float:
        def drained() -> None:
            function()
            torch.cuda.synchronize()

        return timing.seconds(drained)

    return clock if device == "cuda" else timing.seconds


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


def copying(device: str, size: int = COPIED) -> Callable[[], Any]:
    """A copy of `size` bytes, to be timed."""
    source = torch.zeros(size // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def bandwidth(copies: list[float], size: int = COPIED) -> float:
    """Bytes per second of the best of several copies, given their seconds: each byte is read and written."""
    return 2 * size / min(copies)


def floor_seconds(tokens: int, bytes_per_second: float) -> float:
    """Time that a loss and its gradient take if the bytes that must move are all that moves, at the speed of a copy."""
    return tokens * BYTES_PER_TOKEN / bytes_per_second
