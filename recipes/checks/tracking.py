"""Where metrics go: verl's loggers, their packages and their logins."""

import netrc
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse

from omegaconf import DictConfig, ListConfig, OmegaConf

from recipes.common.errors import UserError

KEY = "trainer.logger"
OURS = "file"  # verl's file logger writes what becomes metrics.jsonl
# logger → the package that verl imports for it
PACKAGES = {
    "wandb": "wandb",
    "mlflow": "mlflow",
    "swanlab": "swanlab",
    "vemlp_wandb": "volcengine_ml_platform",
    "tensorboard": "tensorboard",
    "clearml": "clearml",
    "trackio": "trackio",
    "rl_insight": "rl_insight",
}


def check_loggers(config: DictConfig) -> None:
    """Every logger is one of verl's, and metrics.jsonl is written.

    Raises:
        UserError: names the key and what to write.
    """
    from verl.utils.tracking import Tracking

    given = config.trainer.logger
    loggers = OmegaConf.to_container(given) if isinstance(given, ListConfig) else given
    if not isinstance(loggers, list):
        raise UserError(f"{KEY}={loggers}: must be a list. Write '{KEY}=[console,file,tensorboard]'.")
    for logger in loggers:
        if logger not in Tracking.supported_backend:
            known = ", ".join(sorted(Tracking.supported_backend))
            raise UserError(f"{KEY}={_listed(loggers)}: {logger} is no logger of verl's. Write some of {known}.")
    if OURS not in loggers:
        raise UserError(
            f"{KEY}={_listed(loggers)}: without {OURS} there is no metrics.jsonl, by which a run is continued, shown "
            f"and compared. Write '{KEY}={_listed([*loggers, OURS])}'."
        )


def check_trackers(config: DictConfig, environment: Mapping[str, str] = os.environ) -> None:
    """The chosen loggers are installed here, and those that ask who writes know it.

    Raises:
        UserError: names the key and what to do.
    """
    for logger in config.trainer.logger:
        package = PACKAGES.get(logger)
        if package and find_spec(package) is None:
            rest = [other for other in config.trainer.logger if other != logger]
            raise UserError(
                f"{KEY}={_listed(config.trainer.logger)}: the package {package} is not installed in this environment. "
                f"Run `pip install {package}`, or write '{KEY}={_listed(rest)}'."
            )
    if "wandb" in config.trainer.logger and not _knows_wandb(environment):
        raise UserError(
            f"{KEY}={_listed(config.trainer.logger)}: W&B has no login here, and a job can't be asked for one. Set "
            "WANDB_API_KEY (on every node), run `wandb login`, or set WANDB_MODE=offline."
        )
    if "swanlab" in config.trainer.logger and not _knows_swanlab(environment):
        raise UserError(
            f"{KEY}={_listed(config.trainer.logger)}: SwanLab has no login here, and a job can't be asked for one. Set "
            "SWANLAB_API_KEY (on every node), run `swanlab login`, or set SWANLAB_MODE=local."
        )


def _knows_swanlab(environment: Mapping[str, str]) -> bool:
    if environment.get("SWANLAB_API_KEY") or environment.get("SWANLAB_MODE") in ("local", "offline", "disabled"):
        return True
    home = Path(environment.get("SWANLAB_ROOT") or environment.get("SWANLAB_SAVE_DIR") or "~/.swanlab").expanduser()
    return (home / ".netrc").is_file()  # where `swanlab login` puts it


def _knows_wandb(environment: Mapping[str, str]) -> bool:
    if environment.get("WANDB_API_KEY") or environment.get("WANDB_MODE") in ("offline", "disabled", "dryrun"):
        return True
    host = urlparse(environment.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc(environment.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _listed(loggers: object) -> str:
    return f"[{','.join(map(str, loggers))}]"  # type: ignore[call-overload]
