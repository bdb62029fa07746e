"""The functions of `torch.cuda` that verl calls on its device module, answered for a CPU.

verl: `get_torch_device().<name>` (verl/utils/device.py) throughout workers, checkpointing and profiling. `torch.cpu`
has streams and synchronisation but no memory or RNG functions; here "device memory" is this process's resident memory.
"""

import resource
from typing import Any

import psutil
import torch
from torch.cpu import Event, Stream, current_stream, stream, synchronize  # noqa: F401 (re-exported)


def is_available() -> bool:
    """The CPU is always there."""
    return True


def is_initialized() -> bool:
    """There is nothing to initialise."""
    return True


def device_count() -> int:
    """One logical device per process; Ray hands out as many logical GPUs as the hardware preset says."""
    return 1


def current_device() -> torch.device:
    """The device itself: verl passes this to `Tensor.to`."""
    return torch.device("cpu")


def set_device(device: Any) -> None:
    """There is only one device."""


def get_device_name(device: Any = None) -> str:
    """A name for logs and FLOPs tables."""
    return "cpu"


def get_rng_state(device: Any = None) -> torch.Tensor:
    """State of torch's CPU generator."""
    return torch.get_rng_state()


def set_rng_state(state: torch.Tensor, device: Any = None) -> None:
    """Restore torch's CPU generator."""
    torch.set_rng_state(state)


def memory_allocated(device: Any = None) -> int:
    """Resident memory of this process, bytes."""
    return psutil.Process().memory_info().rss


def memory_reserved(device: Any = None) -> int:
    """Same as allocated: there is no caching allocator to speak of."""
    return memory_allocated()


def max_memory_allocated(device: Any = None) -> int:
    """Peak resident memory of this process, bytes (ru_maxrss is in KiB on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def max_memory_reserved(device: Any = None) -> int:
    """Same as the allocated peak."""
    return max_memory_allocated()


def reset_peak_memory_stats(device: Any = None) -> None:
    """The kernel's peak can't be reset without privileges."""


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Available and total memory of the machine, bytes."""
    memory = psutil.virtual_memory()
    return memory.available, memory.total


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Not enforceable on a CPU."""


def empty_cache() -> None:
    """There is no cache of freed blocks."""


def ipc_collect() -> None:
    """There are no device IPC handles."""
