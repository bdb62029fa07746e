"""What the config says: plug-in, each value by itself, its type, values against one another, verl's own checks."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec

from omegaconf import DictConfig
from packaging.version import Version

from recipes.checks import lora, options, reward, sizes, tracking, trainer_mode, types, unsupported, values
from recipes.common.errors import UserError, as_user_error
from recipes.config import hardware
from recipes.plugin import method_check


@contextmanager
def _without_chatter() -> Iterator[None]:
    """verl prints that all is well, and warns that GRPO has no critic."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_config(config: DictConfig) -> None:
    """Plug-in, hyper-parameters, batch sizes and verl's own validation.

    Raises:
        UserError: names the key and what to write.
    """
    check_plugin()
    check_trl()
    check_run_options(config)
    hardware.check_preset(config)
    unsupported.check_unsupported(config)
    values.check_values(config)
    types.check_types(config)
    with _without_chatter():
        options.check_options(config)
    tracking.check_loggers(config)
    sizes.check_sizes(config)
    trainer_mode.check_trainer_mode(config)
    lora.check_lora(config)
    reward.check_reward(config)
    from hydra.errors import InstantiationException
    from verl.trainer.ppo.utils import need_critic, need_reference_policy
    from verl.utils.config import omega_conf_to_dataclass, validate_config

    kinds = (InstantiationException, ValueError, TypeError, AssertionError, NotImplementedError)
    with as_user_error(*kinds), _without_chatter():
        validate_config(config, need_reference_policy(config), need_critic(config))
        # verl instantiates these only inside the workers.
        omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
        method_check.check_method(config)


def check_plugin() -> None:
    """verl, in this process, would call our losses and our platform."""
    with as_user_error(ImportError, ValueError, RuntimeError):
        from recipes.plugin import register

        register.check()


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
