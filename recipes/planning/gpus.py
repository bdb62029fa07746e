"""GPUs by their data sheets (gpus.json names each)."""

import json
from dataclasses import dataclass
from pathlib import Path

from recipes.errors import UserError

GIB = 2**30
_FILE = Path(__file__).with_name("gpus.json")


@dataclass(frozen=True)
class GPU:
    """One accelerator.

    Attributes:
        name, source: what it is, and the data sheets.
        memory_gib: what CUDA reports as total.
        bf16_flops: dense, per second.
        bandwidth: of its memory, bytes per second.
        nvlink, network: to the GPUs of its node and of others, bytes per second in one direction.
    """

    name: str
    source: str
    memory_gib: float
    bf16_flops: float
    bandwidth: float
    nvlink: float
    network: float

    @property
    def memory(self) -> float:
        """Bytes."""
        return self.memory_gib * GIB


def known() -> dict[str, GPU]:
    """By the name that `gpu=` takes."""
    return {name: GPU(**facts) for name, facts in json.loads(_FILE.read_text()).items()}


def find(name: str, key: str = "gpu") -> GPU:
    """The GPU called `name`, a value of `key`.

    Raises:
        UserError: there is no such entry.
    """
    gpus = known()
    if name.lower() not in gpus:
        raise UserError(f"{key}={name}: write one of {', '.join(gpus)}.")
    return gpus[name.lower()]
