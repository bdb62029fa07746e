"""What configs/ reckon with: OmegaConf resolvers that verl's own command needs as well (docs/drop-in.md)."""

import math
from pathlib import Path

from omegaconf import OmegaConf

from recipes.common import attention, precision


def register() -> None:
    """Make the resolvers known; safe to call again."""
    OmegaConf.register_new_resolver("absolute", lambda path: str(Path(path).expanduser().absolute()), replace=True)
    OmegaConf.register_new_resolver("attention", attention.implementation, replace=True)
    OmegaConf.register_new_resolver("dtype", precision.dtype, replace=True)
    OmegaConf.register_new_resolver("sum", lambda *numbers: sum(numbers), replace=True)
    OmegaConf.register_new_resolver("product", lambda *numbers: math.prod(numbers), replace=True)
    OmegaConf.register_new_resolver("quotient", lambda whole, part: whole // part, replace=True)
    OmegaConf.register_new_resolver("share", lambda whole, part: int(whole * part), replace=True)
