"""Accept verl's backend string for torch.distributed when both halves are the CPU.

verl/utils/distributed.py builds `f"cpu:gloo,{device}:{backend}"` (initialize_global_process_group_ray), which on a CPU
is "cpu:gloo,cpu:gloo"; torch rejects the duplicate device.
"""

import functools
from typing import Any

import torch.distributed


def without_duplicates(backend: Any) -> Any:
    """Drop repeated `device:backend` entries; everything else passes through."""
    if not isinstance(backend, str):
        return backend
    return ",".join(dict.fromkeys(backend.split(",")))


def install() -> None:
    """Wrap `torch.distributed.init_process_group` once."""
    original = torch.distributed.init_process_group
    if getattr(original, "_accepts_cpu_twice", False):
        return

    @functools.wraps(original)
    def init_process_group(backend: Any = None, *args: Any, **kwargs: Any) -> Any:
        return original(without_duplicates(backend), *args, **kwargs)

    init_process_group._accepts_cpu_twice = True  # type: ignore[attr-defined]
    torch.distributed.init_process_group = init_process_group
