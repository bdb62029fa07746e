"""What a hardware preset must say, and which presets there are for a model."""

from omegaconf import DictConfig

from recipes.errors import UserError
from recipes.paths import config_dir
from recipes.planning import gpus


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
    gpus.find(str(hardware.gpu), "hardware.gpu")
    devices = config.trainer.nnodes * config.trainer.n_gpus_per_node
    size = config.actor_rollout_ref.actor.fsdp_config.fsdp_size
    if 0 < size < devices and devices % size:
        raise UserError(
            f"actor_rollout_ref.actor.fsdp_config.fsdp_size={size} does not divide the {devices} devices (nnodes × "
            "n_gpus_per_node). Write actor_rollout_ref.actor.fsdp_config.fsdp_size=-1 to shard over all of them."
        )
