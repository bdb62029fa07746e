"""Register gradient-weight methods with verl, and check that verl really holds them."""

from collections.abc import Callable
from typing import Any, TypeVar

from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, register_policy_loss

from losses.surrogate import policy_loss
from losses.validation import require

ConfigClass = TypeVar("ConfigClass", bound=type)

# Method name → the dataclass that describes it.
METHODS: dict[str, type] = {}


def register(name: str) -> Callable[[ConfigClass], ConfigClass]:
    """Class decorator: make the method of a config dataclass selectable in verl as `policy_loss.loss_mode=<name>`.

    All methods share one loss function; it asks the config for its gradient weight (losses/surrogate.py).

    Raises:
        ValueError: verl or another plug-in already holds a different loss of that name (verl itself would overwrite
            it silently).
    """

    def decorator(config_class: ConfigClass) -> ConfigClass:
        existing = POLICY_LOSS_REGISTRY.get(name)
        if existing is not None and existing is not policy_loss:
            raise ValueError(
                f"policy loss '{name}' is already registered by {existing.__module__}; rename one of the two."
            )
        register_policy_loss(name)(policy_loss)
        METHODS[name] = config_class
        _bind_loss_mode(config_class, name)
        return config_class

    return decorator


def _bind_loss_mode(config_class: type, name: str) -> None:
    """Refuse another `loss_mode` on this config class: verl would run that loss and drop ours without a word."""
    validate = getattr(config_class, "__post_init__", lambda self: None)

    def __post_init__(self: Any) -> None:
        require(self.loss_mode == name, "loss_mode", self.loss_mode, f"must be '{name}' for policy_loss={name}", name)
        validate(self)

    config_class.__post_init__ = __post_init__  # type: ignore[attr-defined]


def missing_registrations() -> list[str]:
    """Names of our methods that verl would not call, because nothing or something else is registered there."""
    return [name for name in METHODS if POLICY_LOSS_REGISTRY.get(name) is not policy_loss]
