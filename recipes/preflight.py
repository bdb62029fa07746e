"""Everything that can be wrong before Ray starts, each with the key and the cure.

The checks run in this order: the hardware, the plug-in, what the config says (each value by itself, then its type, then
values against one another, then verl's own checks), the environment, and at last the files, since models and data sets
may have to be built first. Whether the overrides compose at all was asked before (recipes.composing).
"""

import contextlib
import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from packaging.version import Version

from recipes import (
    cluster_size,
    data_files,
    hardware_checks,
    method_checks,
    model_folder,
    option_checks,
    reward_checks,
    size_checks,
    tracking_checks,
    trainer_checks,
    type_checks,
    value_checks,
)
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
    check_plugin()
    check_trl()
    check_run_options(config)
    hardware_checks.check_preset(config)
    value_checks.check_values(config)
    type_checks.check_types(config)
    with _without_chatter():
        option_checks.check_options(config)
    tracking_checks.check_loggers(config)
    size_checks.check_batch_sizes(config)
    size_checks.check_lengths(config)
    size_checks.check_clip_widths(config)
    trainer_checks.check_trainer_mode(config)
    reward_checks.check_reward(config)
    from hydra.errors import InstantiationException
    from verl.trainer.ppo.utils import need_critic, need_reference_policy
    from verl.utils.config import omega_conf_to_dataclass, validate_config

    kinds = (InstantiationException, ValueError, TypeError, AssertionError, NotImplementedError)
    with _as_user_error(*kinds), _without_chatter():
        validate_config(config, need_reference_policy(config), need_critic(config))
        # verl instantiates these only inside the workers.
        omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
        method_checks.check_method(config)


def check_plugin() -> None:
    """verl, in this process, would call our losses and our platform."""
    with _as_user_error(ImportError, ValueError, RuntimeError):
        from recipes import plugin

        plugin.check()


def check_trl() -> None:
    """verl's actor imports a class from TRL wherever TRL is installed; TRL 1.13 has dropped it."""
    if find_spec("trl") and Version(version("trl")) >= Version("1.13"):
        raise UserError(
            f"trl {version('trl')} is installed in this environment: verl 0.9.1's actor would fail to import "
            "AutoModelForCausalLMWithValueHead from it. Run `pip uninstall trl`, or `pip install trl==1.12.0`."
        )


def check_run_options(config: DictConfig) -> None:
    """How much is checked, and what happens to a run folder that is there already."""
    if config.preflight not in ("cheap", "full"):
        raise UserError(f"preflight={config.preflight}: write cheap or full.")
    if config.on_existing not in ("continue", "restart"):
        raise UserError(f"on_existing={config.on_existing}: write continue or restart.")
    if config.trainer.resume_mode != "auto":
        raise UserError(
            f"trainer.resume_mode={config.trainer.resume_mode}: a run is continued from its own last checkpoint. "
            "Write trainer.resume_mode=auto, and on_existing=restart to begin anew."
        )


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
    if wanted == "cuda":
        trainer_checks.check_packages(config)
    if wanted == "cuda" and not os.environ.get("RAY_ADDRESS"):
        found, generating = torch.cuda.device_count(), cluster_size.rollout_gpus(config)
        needed = config.trainer.n_gpus_per_node
        if needed <= found < needed + generating:
            raise UserError(
                f"trainer.n_gpus_per_node={needed} and {generating} GPU(s) that only generate, but this machine has "
                f"{found}. Write trainer.n_gpus_per_node={found // 2} (as many then generate), or set RAY_ADDRESS to "
                "the cluster that has them."
            )
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
    check_model(config)
    check_data(config)
    check_room(config)


def check_model(config: DictConfig) -> None:
    """The model is complete, takes sequences this long, can be split, and its chat template fits the reward."""
    model_folder.check(config.actor_rollout_ref.model.path)
    size_checks.check_model(config, model_folder.architecture(config.actor_rollout_ref.model.path))
    reward_checks.check_thinking(config)


def check_data(config: DictConfig) -> None:
    """The data files hold what verl reads, and enough of it."""
    data_files.check_all(config.data, config.trainer)


def checkpoint_room(config: DictConfig) -> tuple[int, int]:
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


def check_room(config: DictConfig) -> None:
    """Free disk space against the checkpoints that will stand there at the same time."""
    count, one = checkpoint_room(config)
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


def check_writable(config: DictConfig) -> None:
    """The run folder can be created."""
    folder = existing_parent(Path(config.run_dir))
    try:
        tempfile.TemporaryFile(dir=folder).close()  # root may write anywhere, but not to a read-only file system
    except OSError as error:
        raise UserError(
            f"run_dir={config.run_dir}: {folder} is not a writable folder ({error.strerror}). "
            "Write output_root=<one that is>."
        ) from error


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path` that is there, or `path` itself."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def resolved(config: DictConfig) -> DictConfig:
    """A copy with every interpolation replaced by its value.

    Raises:
        UserError: an interpolation has no value.
    """
    from omegaconf.errors import OmegaConfBaseException

    with _as_user_error(OmegaConfBaseException):
        copy: DictConfig = OmegaConf.create(OmegaConf.to_container(config, resolve=True))  # type: ignore[assignment]
    OmegaConf.set_struct(copy, True)
    return copy
