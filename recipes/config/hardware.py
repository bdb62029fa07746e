"""Hardware presets: which there are for a model, what one must say and asks of a cluster; GPUs by their data sheets."""

import json
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.common.paths import config_dir

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


def sizes_folder(preset: str) -> str:
    """Where a preset's sizes stand: its own folder, or that of all presets with its GPUs (2x8x80gb → base/80gb)."""
    own = f"base/{preset}"
    return own if (config_dir() / "hardware" / own).is_dir() else f"base/{preset.rsplit('x', 1)[-1]}"


def presets(model: str) -> list[str]:
    """Choices of `hardware=` that have sizes for a choice of `model=`, smallest first."""
    folder = config_dir() / "hardware"
    names = [file.stem for file in folder.glob("*gb.yaml")]
    found = [name for name in names if (folder / sizes_folder(name) / f"{model}.yaml").is_file()]
    return sorted(found, key=lambda name: (name.endswith("141gb"), len(name), name))


def check_preset(config: DictConfig) -> None:
    """Sizes, GPU and sharding of a GPU preset.

    Args:
        config: resolved.

    Raises:
        UserError: names the key and what to write.
    """
    hardware = config.hardware
    if hardware.device != "cuda":  # checked elsewhere
        return
    if not hardware.sizes:
        choices = ", ".join(presets(hardware.model)) or "cpu"
        raise UserError(
            f"hardware={hardware.preset} has no sizes for model={hardware.model}. Write hardware=<one of "
            f"{choices}>; for a model of your own write configs/hardware/{sizes_folder(hardware.preset)}/"
            f"{hardware.model}.yaml after the files there."
        )
    find(str(hardware.gpu), "hardware.gpu")
    devices = config.trainer.nnodes * config.trainer.n_gpus_per_node
    size = config.actor_rollout_ref.actor.fsdp_config.fsdp_size
    if 0 < size < devices and devices % size:
        raise UserError(
            f"actor_rollout_ref.actor.fsdp_config.fsdp_size={size} does not divide the {devices} devices (nnodes × "
            "n_gpus_per_node). Write actor_rollout_ref.actor.fsdp_config.fsdp_size=-1 to shard over all of them."
        )


def rollout_gpus(config: DictConfig) -> int:
    """GPUs that only generate; verl's rollout.nnodes is 0 unless there are any."""
    rollout = config.actor_rollout_ref.rollout
    return int(rollout.nnodes * rollout.n_gpus_per_node)


def nodes(config: DictConfig) -> int:
    """All nodes, those that only generate included."""
    return int(config.trainer.nnodes + config.actor_rollout_ref.rollout.nnodes)
