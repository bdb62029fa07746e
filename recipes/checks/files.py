"""Model, data and room for checkpoints; after what is made on the spot has been made."""

import shutil
from pathlib import Path

from omegaconf import DictConfig

from recipes.checks import reward, sizes
from recipes.common.errors import UserError
from recipes.common.files import existing_parent
from recipes.inputs import data_files, model_folder


def check_model(config: DictConfig) -> None:
    """The model is complete, takes sequences this long, can be split, and its chat template fits the reward."""
    model_folder.check(config.actor_rollout_ref.model.path)
    sizes.check_model(config, model_folder.architecture(config.actor_rollout_ref.model.path))
    reward.check_thinking(config)


def check_data(config: DictConfig) -> None:
    """The data files hold what verl reads, and enough of it."""
    data_files.check_all(config.data, config.trainer)


def checkpoint_bytes(config: DictConfig) -> tuple[int, int]:
    """Checkpoints that stand there at the same time: how many, and the bytes of one; zeros where none is written.

    The bytes are also 0 where the size of the model can't be had (a hub id, offline).
    """
    if config.trainer.save_freq is None or config.trainer.save_freq <= 0:
        return 0, 0
    weights = model_folder.weight_bytes(config.actor_rollout_ref.model.path) or 0
    best = int(config.trainer.test_freq > 0)  # kept beside the last ones
    # Parameters, two Adam moments and the Hugging Face copy, all written in float32 by FSDP; bf16 weights double.
    # The next checkpoint is written before the oldest goes.
    return (config.trainer.max_actor_ckpt_to_keep or 1) + best + 1, weights * 2 * 4


def check_disk_space(config: DictConfig) -> None:
    """Free disk space against the checkpoints that will stand there at the same time."""
    count, one = checkpoint_bytes(config)
    if not count * one:
        return
    folder = existing_parent(Path(config.run_dir))
    free = shutil.disk_usage(folder).free
    if free < one * count:
        raise UserError(
            f"Checkpoints need about {one * count / 2**30:.1f} GiB ({count} × {one / 2**30:.1f}) under "
            f"run_dir={config.run_dir}, but {folder} has {free / 2**30:.1f} GiB free. "
            "Write output_root=<another>, trainer.max_actor_ckpt_to_keep=1, or trainer.save_freq=-1 to keep none."
        )
