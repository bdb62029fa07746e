"""Ray actor classes and the Python classes underneath."""

from typing import Any


def plain_class(actor_class: Any) -> Any:
    """What a Ray actor class is made from (Ray's own subclass of it); verl exports only the former."""
    return actor_class.__ray_metadata__.modified_class
