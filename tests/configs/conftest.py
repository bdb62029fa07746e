"""Compose configs as `python -m recipes.train` does, without a process of its own."""

import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from recipes.config import compose


@pytest.fixture
def composed() -> Callable[..., DictConfig]:
    """Overrides → the config that Hydra hands to recipes.train."""

    def build(*overrides: str) -> DictConfig:
        return compose.compose(overrides)

    return build


@functools.cache
def _with_groups(words: tuple[str, ...]) -> tuple[DictConfig, Any]:
    return compose.compose(words), HydraConfig.instance().cfg


@pytest.fixture
def quickly_composed() -> Callable[..., DictConfig]:
    """The same for many configs: composed once for each choice of groups; values are set by Hydra's own function."""

    def build(*words: str) -> DictConfig:
        overrides = OverridesParser.create().parse_overrides(list(words))
        chosen = [override for override in overrides if override.key_or_group in compose.TRAIN.groups]
        shared, hydra = _with_groups(tuple(str(override.input_line) for override in chosen))
        config = copy.deepcopy(shared)
        HydraConfig.instance().cfg = hydra  # ${hydra:runtime.choices...} in run names
        ConfigLoaderImpl._apply_overrides_to_config([one for one in overrides if one not in chosen], config)
        return config

    return build
