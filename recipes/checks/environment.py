"""What the config asks of this machine beside its GPUs: packages and modules that can be imported."""

import importlib
import os
from importlib.util import find_spec

from omegaconf import DictConfig, ListConfig

from recipes.checks import tracking
from recipes.checks.values import ACTOR, MODEL, OPTIMISER
from recipes.common import attention
from recipes.common.errors import UserError


def check_environment(config: DictConfig) -> None:
    """Everything that is named can be imported.

    Args:
        config: resolved and checked.

    Raises:
        UserError: names the key and what to do.
    """
    _check_ray(config)
    tracking.check_trackers(config)
    _check_attention(config)
    _check_optimiser(config)
    _check_modules(config)


def _check_ray(config: DictConfig) -> None:
    """A Ray of this run's own is closed to others before it is imported, and so before the config is known."""
    found = os.environ.get("RAY_ADDRESS")
    if found and not os.environ.get("RLVR_JOIN_CLUSTER") and config.ray_kwargs.ray_init.get("address") == "local":
        raise UserError(
            f"RAY_ADDRESS={found} names a cluster, but ray_kwargs.ray_init.address=local (as hardware=cpu has it) "
            "starts a Ray of its own. Unset RAY_ADDRESS, or train there: `python -m recipes.launch join <overrides>`."
        )


def _check_attention(config: DictConfig) -> None:
    model = config.actor_rollout_ref.model
    if attention.of(config) == attention.FLASH and not attention.has_flash_attn():
        raise UserError(
            "attention=flash: flash-attn is not installed in this environment. Write attention=auto, which takes a "
            "slower one, or set FLASH_ATTN_WHEEL or FLASH_ATTN_INDEX and run `bash scripts/setup.sh gpu`."
        )
    split = config.actor_rollout_ref.actor.ulysses_sequence_parallel_size
    if split > 1 and "flash" not in attention.of(config):
        key = f"{ACTOR}.ulysses_sequence_parallel_size"
        raise UserError(
            f"{key}={split} with attention {attention.of(config)}: verl splits sequences over GPUs for flash-attn only."
            f" Write {key}=1, or install flash-attn: set FLASH_ATTN_WHEEL or FLASH_ATTN_INDEX and run "
            "`bash scripts/setup.sh gpu`."
        )
    if model.use_liger and find_spec("liger_kernel") is None:
        raise UserError(f"{MODEL}.use_liger=true: liger-kernel is not installed. Write {MODEL}.use_liger=false.")


def _check_optimiser(config: DictConfig) -> None:
    chosen = config.actor_rollout_ref.actor.optim
    try:
        module = importlib.import_module(chosen.optimizer_impl)
    except ImportError as error:
        raise UserError(
            f"{OPTIMISER}.optimizer_impl={chosen.optimizer_impl}: {error}. Install it, or write "
            f"{OPTIMISER}.optimizer_impl=torch.optim {OPTIMISER}.optimizer=AdamW."
        ) from error
    if not hasattr(module, chosen.optimizer):
        raise UserError(
            f"{OPTIMISER}.optimizer={chosen.optimizer}: {chosen.optimizer_impl} has no such class. "
            f"Write {OPTIMISER}.optimizer=AdamW."
        )


def _check_modules(config: DictConfig) -> None:
    given = config.actor_rollout_ref.model.external_lib
    for module in given if isinstance(given, list | ListConfig) else [given] if given else []:
        try:
            found = find_spec(str(module))
        except (ImportError, ValueError):
            found = None
        if found is None:
            raise UserError(
                f"{MODEL}.external_lib={module}: no module of this name can be imported here. "
                f"Install it, put its folder on PYTHONPATH, or write {MODEL}.external_lib=null."
            )
