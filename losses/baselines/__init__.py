"""The methods that DGPO and MASPO are compared with, one module each."""

import importlib
import pkgutil


def load_all() -> None:
    """Import every module of this package, which registers its method."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
