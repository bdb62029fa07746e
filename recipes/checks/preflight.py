"""What is checked before every run, and in which order, cheapest first.

The hardware; what the config says (the plug-in, each value by itself, then its type, then values against one another,
then verl's own checks); the environment; and at last the files, since models and data sets may have to be built first.
Whether the overrides compose at all was asked before (recipes.config.compose).
"""

from collections.abc import Callable

from omegaconf import DictConfig

from recipes.checks import config, environment, files, hardware, run_folder
from recipes.config import resolvers
from recipes.config.compose import resolved

CheckFunction = Callable[[DictConfig], None]


# What is checked before every run, cheapest first; recipes.doctor goes through the same list.
CHECKS: tuple[tuple[str, CheckFunction], ...] = (
    ("hardware", hardware.check_hardware),
    ("config", config.check_config),
    ("environment", environment.check_environment),
    ("run folder", run_folder.check_run_folder),
    ("preparation", resolvers.prepare_all),
    ("model", files.check_model),
    ("data", files.check_data),
    ("disk", files.check_disk_space),
)


def checked(composed: DictConfig) -> DictConfig:
    """Run every check on a composed config; return it resolved.

    Raises:
        UserError: bad input.
    """
    found = resolved(composed)
    for _, check in CHECKS:
        check(found)
    return found
