"""Compose configs as `python -m recipes.train` does, without a process of its own."""

from collections.abc import Callable

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from recipes import resolvers
from recipes.paths import config_dir


@pytest.fixture
def composed() -> Callable[..., DictConfig]:
    """Overrides → the config that Hydra hands to recipes.train."""

    def build(*overrides: str) -> DictConfig:
        resolvers.register()
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            config = compose("train", list(overrides), return_hydra_config=True)
        HydraConfig.instance().set_config(config)  # ${hydra:runtime.choices...} in run names
        with open_dict(config):
            del config["hydra"]
        return config

    return build
