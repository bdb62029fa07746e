"""Decide whether this process runs on the CPU platform, and switch it on.

The decision must be the same in every process of a run: Ray actors without a GPU on a GPU machine see no device either,
so "is a GPU visible" is the wrong question. We ask what cannot differ between processes: the VERL_PLATFORM variable, or
else a torch build without any accelerator.
"""

import os

import torch


def is_cpu_run() -> bool:
    """True when VERL_PLATFORM=cpu, or when it is unset and this torch build could not use an accelerator anyway."""
    chosen = os.environ.get("VERL_PLATFORM", "").strip().lower()
    if chosen:
        return chosen == "cpu"
    return torch.version.cuda is None and torch.version.hip is None and not hasattr(torch, "npu")


def activate() -> None:
    """Make the CPU verl's platform in this process and in those it starts. Safe to call again."""
    from verl.plugin.platform import platform_manager

    from recipes.plugin.cpu import compiled_code, offload_policy, process_group, vllm_distribution
    from recipes.plugin.cpu.platform import PlatformCPU

    platform_manager.PlatformRegistry.register(platform="cpu")(PlatformCPU)
    if not isinstance(platform_manager._current_platform, PlatformCPU):
        # verl/__init__.py may have asked for the platform before it loaded this plug-in and got its cuda fallback.
        platform_manager._current_platform = PlatformCPU()
    process_group.install()
    offload_policy.install()
    vllm_distribution.install()
    compiled_code.keep_apart()
    os.environ["VERL_PLATFORM"] = "cpu"
    # verl registers its FSDP engines for cuda and npu only (workers/engine/fsdp/transformer_impl.py) and offers these
    # variables to choose one (EngineRegistry.get_engine_cls).
    os.environ.setdefault("VERL_ENGINE_DEVICE", "cuda")
    os.environ.setdefault("VERL_ENGINE_VENDOR", "nvidia")
