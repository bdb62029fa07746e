"""Methods by name."""

from collections.abc import Callable
from typing import TypeVar

from losses.method import MethodConfig

ConfigClass = TypeVar("ConfigClass", bound=type[MethodConfig])
Follower = Callable[[str], None]

# Method name → the dataclass that describes it.
METHODS: dict[str, type[MethodConfig]] = {}
_followers: list[Follower] = []


def register(method: str, verl_loss: str | None = None) -> Callable[[ConfigClass], ConfigClass]:
    """Class decorator: make a method selectable in verl through `policy_loss.loss_mode`.

    All methods share one loss function; it asks the config for its gradient weight (losses/surrogate.py).

    Args:
        method: the name; also the `loss_mode`, unless verl's own registry holds it: then `<method>_weighted`.
        verl_loss: name of verl's own loss if that computes this method; it is then used where it can be.

    Raises:
        ValueError: in a process of verl, whose registry holds a different loss of that name
            (recipes/plugin/policy_losses.py).
    """
    own_loss = f"{method}_weighted" if method == verl_loss else method

    def decorator(config_class: ConfigClass) -> ConfigClass:
        for follower in _followers:
            follower(own_loss)
        config_class.method, config_class.own_loss, config_class.verl_loss = method, own_loss, verl_loss
        METHODS[method] = config_class
        return config_class

    return decorator


def follow(follower: Follower) -> None:
    """Have `follower` called with the `own_loss` of every method, those that are registered later too."""
    _followers.append(follower)
    for config_class in METHODS.values():
        follower(config_class.own_loss)
