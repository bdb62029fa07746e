"""Register gradient-weight methods with verl, and check that verl really holds them."""

from collections.abc import Callable
from typing import TypeVar

from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, register_policy_loss

from losses.method import MethodConfig
from losses.surrogate import policy_loss

ConfigClass = TypeVar("ConfigClass", bound=type[MethodConfig])

# Method name → the dataclass that describes it.
METHODS: dict[str, type[MethodConfig]] = {}


def register(method: str, verl_loss: str | None = None) -> Callable[[ConfigClass], ConfigClass]:
    """Class decorator: make a method selectable in verl through `policy_loss.loss_mode`.

    All methods share one loss function; it asks the config for its gradient weight (losses/surrogate.py).

    Args:
        method: the name; also the `loss_mode`, unless verl's own registry holds it: then `<method>_weighted`.
        verl_loss: name of verl's own loss if that computes this method; it is then used where it can be.

    Raises:
        ValueError: verl or another plug-in already holds a different loss of that name (verl itself would overwrite
            it silently).
    """
    own_loss = f"{method}_weighted" if method == verl_loss else method

    def decorator(config_class: ConfigClass) -> ConfigClass:
        existing = POLICY_LOSS_REGISTRY.get(own_loss)
        if existing is not None and existing is not policy_loss:
            raise ValueError(
                f"policy loss '{own_loss}' is already registered by {existing.__module__}; rename one of the two."
            )
        register_policy_loss(own_loss)(policy_loss)
        config_class.method, config_class.own_loss, config_class.verl_loss = method, own_loss, verl_loss
        METHODS[method] = config_class
        return config_class

    return decorator


def missing_registrations() -> list[str]:
    """Names of our losses that verl would not call, because nothing or something else is registered there."""
    names = [config_class.own_loss for config_class in METHODS.values()]
    return [name for name in names if POLICY_LOSS_REGISTRY.get(name) is not policy_loss]
