"""verl's platform interface (verl/plugin/platform/platform_base.py) for machines without a GPU.

verl 0.9.1 ships cuda, npu and rocm only, and falls back to cuda when it finds none of them
(`platform_manager._detect_platform_name`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from verl.plugin.platform.platform_base import PlatformBase

from recipes.plugin.cpu import device_module


class PlatformCPU(PlatformBase):
    """gloo for collectives, shared memory for weight transfer, logical GPUs for Ray's scheduler."""

    @property
    def device_name(self) -> str:
        return "cpu"

    @property
    def vendor_name(self) -> str:
        return "cpu"

    @property
    def device_module(self) -> ModuleType:
        return device_module

    def is_available(self) -> bool:
        return True

    def current_device(self) -> Any:
        # verl writes `.to(get_device_id())`; an index would mean a CUDA device there.
        return device_module.current_device()

    def device_count(self) -> int:
        return device_module.device_count()

    def set_device(self, device_index: int) -> None:
        device_module.set_device(device_index)

    def synchronize(self, device_index: int | None = None) -> None:
        torch.cpu.synchronize()

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def manual_seed_all(self, seed: int) -> None:
        torch.manual_seed(seed)

    def set_allocator_settings(self, settings: str) -> None:
        """The CPU allocator has no expandable segments."""

    def empty_cache(self) -> None:
        device_module.empty_cache()

    def get_device_capability(self, device_index: int = 0) -> tuple[int | None, int | None]:
        return None, None

    def communication_backend_name(self) -> str:
        return "gloo"

    def visible_devices_envvar(self) -> str:
        # Ray sets this one for its logical GPUs.
        return "CUDA_VISIBLE_DEVICES"

    @contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:
        yield

    def profiler_start(self) -> None:
        """No device profiler."""

    def profiler_stop(self) -> None:
        """No device profiler."""

    def ray_resource_name(self) -> str:
        # verl's resource check counts GPU or NPU only (`ResourcePoolManager._check_resource_available`); Ray accepts
        # logical ones through ray_init.num_gpus (configs/hardware/cpu.yaml).
        return "GPU"

    def ray_noset_envvars(self) -> list[str]:
        return ["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"]

    def is_ipc_supported(self) -> bool:
        # False makes verl send weights to vLLM through shared memory instead of CUDA IPC.
        return False

    def cudart(self) -> None:
        return None
