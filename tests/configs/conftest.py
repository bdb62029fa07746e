"""Compose configs as `python -m recipes.train` does, without a process of its own."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig

from recipes.config import compose


@pytest.fixture
def composed() -> Callable[..., DictConfig]:
    """Overrides → the config that Hydra hands to recipes.train."""

    def build(*overrides: str) -> DictConfig:
        return compose.compose(overrides)

    return build
