"""Everything that can be wrong before Ray starts, each with the key and the cure.

The checks run in this order: the plug-in, what the config says, the hardware, and then the files, since models and data
sets may have to be built first.
"""

import contextlib
import io
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes import data_files, model_folder
from recipes.errors import UserError


@contextmanager
def _as_user_error(*kinds: type[Exception]) -> Iterator[None]:
    try:
        yield
    except kinds as error:
        raise UserError(_innermost(error)) from error


@contextmanager
def _without_chatter() -> Iterator[None]:
    """verl prints that all is well, and warns that GRPO has no critic."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _innermost(error: BaseException) -> str:
    """Hydra wraps a dataclass's error in "Error in call to target"; the original says more."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def check_config(config: DictConfig) -> None:
    """Plug-in, hyper-parameters, batch sizes and verl's own validation.

    Raises:
        UserError: names the key and what to write.
    """
    from recipes import plugin

    with _as_user_error(plugin.PluginError):
        plugin.check()
    check_batch_sizes(config)
    check_clip_widths(config)
    from hydra.errors import InstantiationException
    from verl.trainer.ppo.utils import need_critic, need_reference_policy
    from verl.utils.config import omega_conf_to_dataclass, validate_config

    with _as_user_error(InstantiationException, ValueError, TypeError, AssertionError), _without_chatter():
        validate_config(config, need_reference_policy(config), need_critic(config))
        # verl instantiates these only inside the workers.
        omega_conf_to_dataclass(config.actor_rollout_ref.rollout)


def check_clip_widths(config: DictConfig) -> None:
    """The trust region [1 − ε_low, 1 + ε_high] and the dual clip c."""
    actor = config.actor_rollout_ref.actor
    rules = {
        "clip_ratio_low": (lambda value: 0 < value < 1, "between 0 and 1", 0.2),
        "clip_ratio_high": (lambda value: value > 0, "> 0", 0.2),
        "clip_ratio_c": (lambda value: value > 1, "> 1", 3.0),
    }
    for name, (holds, rule, default) in rules.items():
        value = actor[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not holds(value):
            key = f"actor_rollout_ref.actor.{name}"
            raise UserError(f"{key}={value}: must be a number {rule}. Write {key}={default}.")


def check_batch_sizes(config: DictConfig) -> None:
    """Sizes that verl would pad, truncate or trip over an hour later."""
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    sizes = {
        "data.train_batch_size": config.data.train_batch_size,
        "actor_rollout_ref.actor.ppo_mini_batch_size": actor.ppo_mini_batch_size,
        "actor_rollout_ref.rollout.n": rollout.n,
        "trainer.n_gpus_per_node": config.trainer.n_gpus_per_node,
        "trainer.nnodes": config.trainer.nnodes,
        "trainer.total_training_steps": config.trainer.total_training_steps,
        "data.max_prompt_length": config.data.max_prompt_length,
        "data.max_response_length": config.data.max_response_length,
    }
    for key, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(f"{key}={value}: must be an integer >= 1.")
    batch, mini, devices = config.data.train_batch_size, actor.ppo_mini_batch_size, _devices(config)
    if batch % mini:
        fit = max(size for size in range(1, min(mini, batch) + 1) if batch % size == 0)
        raise UserError(
            f"data.train_batch_size={batch} is not a multiple of actor_rollout_ref.actor.ppo_mini_batch_size={mini} "
            f"(both in prompts). Write actor_rollout_ref.actor.ppo_mini_batch_size={fit}, or another divisor."
        )
    if mini * rollout.n % devices:
        raise UserError(
            f"A mini-batch holds ppo_mini_batch_size × rollout.n = {mini * rollout.n} responses, "
            f"which {devices} devices (trainer.nnodes × trainer.n_gpus_per_node) can't share evenly. Write "
            f"actor_rollout_ref.actor.ppo_mini_batch_size={-(-mini // devices) * devices}."
        )
    if not actor.use_dynamic_bsz:
        _check_micro_batch(actor.ppo_micro_batch_size_per_gpu, mini * rollout.n // devices)


def _check_micro_batch(micro: Any, per_device: int) -> None:
    key = "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu"
    if not isinstance(micro, int) or micro < 1:
        raise UserError(f"{key}={micro}: must be an integer >= 1 (responses per forward and backward pass).")
    if per_device % micro:
        fit = max(size for size in range(1, min(micro, per_device) + 1) if per_device % size == 0)
        raise UserError(
            f"{key}={micro} does not divide the {per_device} responses that each device gets of a mini-batch "
            f"(ppo_mini_batch_size × rollout.n / devices). Write {key}={fit}."
        )


def _devices(config: DictConfig) -> int:
    return config.trainer.n_gpus_per_node * config.trainer.nnodes


def check_hardware(config: DictConfig) -> None:
    """The preset against this machine. On a cluster (RAY_ADDRESS set) the driver need not have a GPU itself."""
    import torch

    from recipes import cpu_platform

    wanted = config.hardware.device
    if wanted == "cpu" and not cpu_platform.is_cpu_run():
        raise UserError(
            "hardware=cpu needs the CPU environment: this one holds a GPU build of torch and vLLM. Run "
            "`bash scripts/setup.sh cpu` in a checkout of its own, or choose a GPU preset such as hardware=8x80gb."
        )
    if wanted == "cuda" and not os.environ.get("RAY_ADDRESS"):
        needed, found = config.trainer.n_gpus_per_node, torch.cuda.device_count()
        if found < needed:
            raise UserError(
                f"trainer.n_gpus_per_node={needed}, but this machine has {found} usable GPU(s). "
                f"Write {f'trainer.n_gpus_per_node={found}' if found else 'hardware=cpu'}, or set RAY_ADDRESS to "
                "the cluster that has them."
            )


def check_files(config: DictConfig) -> None:
    """Model, data and room for checkpoints; call after `prepare`.

    Raises:
        UserError: names the key and what to write.
    """
    model_folder.check(config.actor_rollout_ref.model.path)
    data_files.check("data.train_files", config.data.train_files, at_least=config.data.train_batch_size)
    data_files.check("data.val_files", config.data.val_files, at_least=1)
    check_room(config)


def check_room(config: DictConfig) -> None:
    """Free disk space against the checkpoints that will stand there at the same time."""
    if config.trainer.save_freq is None or config.trainer.save_freq <= 0:
        return
    weights = model_folder.weight_bytes(config.actor_rollout_ref.model.path)
    if weights is None:
        return
    # Parameters, two Adam moments and the Hugging Face copy, all written in float32 by FSDP; bf16 weights double.
    one = weights * 2 * 4
    count = (config.trainer.max_actor_ckpt_to_keep or 1) + 1  # the next one is written before the oldest goes
    folder = _existing_parent(Path(config.run_dir))
    free = shutil.disk_usage(folder).free
    if free < one * count:
        raise UserError(
            f"Checkpoints need about {one * count / 2**30:.1f} GiB ({count} × {one / 2**30:.1f}) under "
            f"run_dir={config.run_dir}, but {folder} has {free / 2**30:.1f} GiB free. "
            "Write output_root=<another>, trainer.max_actor_ckpt_to_keep=1, or trainer.save_freq=-1 to keep none."
        )


def check_writable(config: DictConfig) -> None:
    """The run folder can be created."""
    folder = _existing_parent(Path(config.run_dir))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UserError(
            f"run_dir={config.run_dir}: {folder} is not a writable folder. Write output_root=<one that is>."
        )


def _existing_parent(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def resolved(config: DictConfig) -> DictConfig:
    """A copy with every interpolation replaced by its value.

    Raises:
        UserError: an interpolation has no value, or a mandatory key (???) is missing.
    """
    from omegaconf.errors import OmegaConfBaseException

    with _as_user_error(OmegaConfBaseException):
        copy: DictConfig = OmegaConf.create(OmegaConf.to_container(config, resolve=True))  # type: ignore[assignment]
    OmegaConf.set_struct(copy, True)
    return copy
