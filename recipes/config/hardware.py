"""Hardware presets: which there are for a model, what one must say and asks of a cluster; GPUs by their data sheets."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.inputs import architecture

GIB = 2**30
OWN_MODEL = "auto"  # the choice of `model=` that takes any model; its sizes are those of the nearest of ours
_FILE = Path(__file__).with_name("gpus.json")
# What most files of sizes leave to verl.
_UNSAID = {"actor_rollout_ref": {"actor": {"fsdp_config": {"offload_policy": False}}, "rollout": {"max_num_seqs": 256}}}


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


@cache
def nearest_sizes(preset: str, path: str) -> DictConfig:
    """The sizes that a preset has for the model most like one of somebody's own; not resolved.

    That is the one with exactly as many parameters; else the smallest with as many (10 % fewer are as many); else the
    largest.

    Args:
        preset: a choice of `hardware=`.
        path: hub id or folder of the model.

    Raises:
        UserError: nothing is known of the model.
    """
    own = architecture.of(OmegaConf.create({"actor_rollout_ref": {"model": {"path": path}}})).parameters
    folder = config_dir() / "hardware" / sizes_folder(preset)
    files = {file: _parameters(file.stem) for file in sorted(folder.glob("*.yaml")) if file.stem != OWN_MODEL}
    enough = [file for file, parameters in files.items() if 1.1 * parameters >= own]
    if not enough:
        return sizes_in(max(files, key=lambda file: files[file]))
    return sizes_in(min(enough, key=lambda file: (files[file] != own, files[file])))


def sizes_in(file: Path) -> DictConfig:
    """A file of sizes on top of those that its defaults name, and of what all leave out; not resolved."""
    own = _loaded(file)
    below = [name for name in own.pop("defaults", []) if name != "_self_"]
    merged = OmegaConf.merge(_UNSAID, *(sizes_in(config_dir() / f"{name.lstrip('/')}.yaml") for name in below), own)
    assert isinstance(merged, DictConfig)
    return merged


def _parameters(model: str) -> int:
    """Of a choice of `model=`."""
    return architecture.of(_loaded(config_dir() / "model" / f"{model}.yaml")).parameters


def _loaded(file: Path) -> DictConfig:
    content = OmegaConf.load(file)
    assert isinstance(content, DictConfig), f"{file} holds no mapping"
    return content


def presets(model: str) -> list[str]:
    """Choices of `hardware=` that have sizes for a choice of `model=`, smallest first."""
    folder = config_dir() / "hardware"
    names = [file.stem for file in folder.glob("*gb.yaml")]
    found = [name for name in names if (folder / sizes_folder(name) / f"{model}.yaml").is_file()]
    return sorted(found, key=lambda name: (int(name.rsplit("x", 1)[-1].removesuffix("gb")), len(name), name))


def check_preset(config: DictConfig) -> None:
    """Sizes and GPU of a GPU preset.

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
            f"{choices}>; for a model of your own write model={OWN_MODEL} model_path=<folder or hub id>, or sizes in "
            f"configs/hardware/{sizes_folder(hardware.preset)}/{hardware.model}.yaml after the files there."
        )
    find(str(hardware.gpu), "hardware.gpu")


def rollout_gpus(config: DictConfig) -> int:
    """GPUs that only generate; verl's rollout.nnodes is 0 unless there are any."""
    rollout = config.actor_rollout_ref.rollout
    return int(rollout.nnodes * rollout.n_gpus_per_node)


def nodes(config: DictConfig) -> int:
    """All nodes, those that only generate included."""
    return int(config.trainer.nnodes + config.actor_rollout_ref.rollout.nnodes)
