"""FSDP2's offload policy without pinned memory, which is a driver's to give: torch refuses it where there is none.

verl loads the reference model (a KL loss, KL in the reward) with `CPUOffloadPolicy(pin_memory=True)`
(workers/engine/fsdp/transformer_impl.py), and the worker ends with "Cannot access accelerator device when none is
available".
"""

import functools
from typing import Any

from torch.distributed.fsdp import CPUOffloadPolicy


def install() -> None:
    """Make `CPUOffloadPolicy(pin_memory=True)` mean False in this process, once."""
    original = CPUOffloadPolicy.__init__
    if getattr(original, "_never_pins", False):
        return

    @functools.wraps(original)
    def init(self: CPUOffloadPolicy, pin_memory: bool = False, **options: Any) -> None:
        original(self, pin_memory=False, **options)

    init._never_pins = True  # type: ignore[attr-defined]
    CPUOffloadPolicy.__init__ = init  # type: ignore[method-assign]
