"""LoRA: vLLM and a checkpoint's Hugging Face copy get base weights and adapter in one, W + (α/r)·BA.

verl merges for vLLM, but rounds to bfloat16 whatever precision was asked for, and passes over adapters outside of a
decoder layer without a word. Into the copy it writes the parts apart, under names that transformers does not know and
fills with random numbers. Both go through `merged_weights` here; the trained parts are as they were afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch.distributed.tensor import DTensor
from verl.utils import fsdp_utils
from verl.utils.checkpoint import fsdp_checkpoint_manager
from verl.utils.device import get_device_id
from verl.utils.model import convert_weight_keys

_GATHER = "get_fsdp_full_state_dict"  # by which verl's checkpoint manager gets the weights of the copy


def has_adapter(engine: Any) -> bool:
    """Whether verl's engine trains an adapter."""
    return hasattr(engine.module, "peft_config")


def merged_weights(engine: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Whole tensors, in FSDP's dtype, under the names that transformers has for them; one by one.

    All ranks have to take all of them. The base weights are restored from a copy when the last one is taken.

    Args:
        engine: verl's, whose module is a peft model under FSDP2, on the device where it computes.

    Raises:
        RuntimeError: an adapter could not be merged.
    """
    try:
        with fsdp_utils.merged_lora_context(engine.module, backup_adapters=True):
            layers = {name: layer for name, layer in engine.module.named_modules() if isinstance(layer, LoraLayer)}
            if left := [name for name, layer in layers.items() if not layer.merged]:
                raise RuntimeError(f"LoRA: verl merges adapters of decoder layers only, and not {', '.join(left)}.")
            named = fsdp_utils.normalize_peft_param_name(engine.module.state_dict())
            weight: Any
            for name, weight in convert_weight_keys(named, engine.module).items():
                placed = weight.to(get_device_id())
                whole = placed.full_tensor() if isinstance(weight, DTensor) else placed
                # A copy: what is not split, over one GPU too, is the parameter itself, which becomes W again.
                yield name, whole.detach().clone()
    finally:
        if engine.is_param_offload_enabled:
            engine.to("cpu", model=True, optimizer=False, grad=False)


@contextmanager
def merged_copy(engine: Any) -> Iterator[None]:
    """Within it verl's checkpoint manager writes merged weights into the Hugging Face copy."""

    def gathered(module: Any, *_: Any, **__: Any) -> dict[str, torch.Tensor]:
        first = torch.distributed.get_rank() == 0
        return {name: weight.cpu() for name, weight in merged_weights(engine) if first}

    verls = getattr(fsdp_checkpoint_manager, _GATHER)
    setattr(fsdp_checkpoint_manager, _GATHER, gathered)
    try:
        yield
    finally:
        setattr(fsdp_checkpoint_manager, _GATHER, verls)
