"""What the config asks of this machine beside its GPUs: packages and modules that can be imported."""

import importlib
import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from omegaconf import DictConfig, ListConfig

from recipes.checks import agent_loops, tracking
from recipes.checks.values import ACTOR, MODEL, OPTIMISER
from recipes.common import attention
from recipes.common.errors import UserError
from recipes.common.files import why_not_writable

# Characters of a temporary folder's path: Python, vLLM and zmq add up to 40 for a socket.
LONGEST_FOLDER = 65


def check_environment(config: DictConfig) -> None:
    """Everything that is named can be imported.

    Args:
        config: resolved and checked.

    Raises:
        UserError: names the key and what to do.
    """
    _check_ray(config)
    _check_variables()
    check_cache()
    _check_classes(config)
    if agent_loops.path(config):
        agent_loops.names(config)
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
    _check_visible_gpus(config.ray_kwargs.ray_init)


def _check_visible_gpus(options: DictConfig) -> None:
    """Ray does not start with more GPUs than it may see."""
    wanted, visible = options.get("num_gpus") or 0, os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and len([one for one in visible.split(",") if one.strip()]) < wanted:
        raise UserError(
            f"CUDA_VISIBLE_DEVICES={visible}: names fewer than ray_kwargs.ray_init.num_gpus={wanted}, with which Ray "
            "does not start. Unset it."
        )


def _check_variables() -> None:
    """verl's worker refuses the first beside the variable that Ray sets, a minute after the start."""
    if os.environ.get("ROCR_VISIBLE_DEVICES"):
        raise UserError(
            f"ROCR_VISIBLE_DEVICES={os.environ['ROCR_VISIBLE_DEVICES']}: verl's workers refuse it. Unset it, and write "
            "HIP_VISIBLE_DEVICES on AMD, CUDA_VISIBLE_DEVICES on NVIDIA."
        )
    folder = tempfile.gettempdir()
    if len(folder) > LONGEST_FOLDER:
        raise UserError(
            f"TMPDIR={folder}: {len(folder)} characters, and the path of a socket there must not have more than 107. "
            "Set TMPDIR to a shorter folder, such as /tmp."
        )


def check_cache() -> None:
    """`datasets` reads every file through a cache of its own, by default in HOME, which may be closed.

    Raises:
        UserError: names the folder and the variable to set.
    """
    from datasets.config import HF_DATASETS_CACHE

    if why := why_not_writable(Path(HF_DATASETS_CACHE)):
        variable = "HF_DATASETS_CACHE" if "HF_DATASETS_CACHE" in os.environ else "HF_HOME"
        raise UserError(f"{HF_DATASETS_CACHE} can't be written to ({why}). Set {variable} to a folder of yours.")


def _check_classes(config: DictConfig) -> None:
    """Classes of the user's own, which a worker would load minutes later."""
    from verl.utils.dataset.rl_dataset import get_dataset_class
    from verl.utils.import_utils import load_class_from_fqn

    custom: DictConfig = config.data.get("custom_cls") or DictConfig({})
    agent = config.actor_rollout_ref.rollout.agent
    loaders: dict[str, Callable[[], object]] = {}
    if custom.get("path"):
        key = f"data.custom_cls.path={custom.path} data.custom_cls.name={custom.get('name')}"
        loaders[key] = lambda: get_dataset_class(config.data)
    if manager := agent.get("agent_loop_manager_class"):
        key = f"actor_rollout_ref.rollout.agent.agent_loop_manager_class={manager}"
        loaders[key] = lambda: load_class_from_fqn(manager)
    for key, load in loaders.items():
        try:
            load()
        except Exception as error:  # whatever a module of the user's raises
            raise UserError(
                f"{key}: it does not load ({type(error).__name__}: {error}). Write the path of a file and the name of "
                "a class in it, or leave the keys out."
            ) from error


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
