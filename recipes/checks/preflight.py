"""What is checked before every run, and in which order, cheapest first.

The hardware; what the config says (the plug-in, each value by itself, then its type, then values against one another,
then verl's own checks); the environment; and at last the files, since models and data sets may have to be built first.
Whether the overrides compose at all was asked before (recipes.config.compose).
"""

from collections.abc import Callable

from omegaconf import DictConfig
from rich.console import RenderableType

from recipes.checks import config, environment, files, hardware, reading, run_folder, sections
from recipes.config import resolvers

# What a check returns is for the person who starts the run.
CheckFunction = Callable[[DictConfig], RenderableType | None]


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


def checked(composed: DictConfig, show: Callable[[RenderableType], object] = lambda found: None) -> DictConfig:
    """Run every check on a composed config; return it resolved.

    Args:
        composed: as Hydra hands it over.
        show: called with what checks have found out.

    Raises:
        UserError: bad input.
    """
    found = reading.readable(composed)
    with sections.naming_what_was_removed():
        for _, check in CHECKS:
            if (said := check(found)) is not None:
                show(said)
    return found
