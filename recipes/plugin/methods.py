"""The methods that come with this project, registered by importing this module; it needs no verl."""

import dgpo.config  # noqa: F401 (registers)
import maspo.config  # noqa: F401
from losses import baselines
from losses.registry import METHODS

__all__ = ["METHODS"]

baselines.load_all()
