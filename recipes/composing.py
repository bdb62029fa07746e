"""The config of a training from its overrides, without Hydra's own entry point."""

from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, open_dict

from recipes import preflight, resolvers
from recipes.errors import UserError
from recipes.paths import config_dir


def composed(overrides: Sequence[str]) -> DictConfig:
    """The resolved config that recipes.train would run.

    Raises:
        UserError: it does not compose.
    """
    resolvers.register()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            config = compose("train", list(overrides), return_hydra_config=True)
    except HydraException as error:
        raise UserError(f"{' '.join(overrides)}: {error}") from error
    HydraConfig.instance().set_config(config)  # ${hydra:runtime.choices...} in run names
    with open_dict(config):
        del config["hydra"]
    return preflight.resolved(config)
