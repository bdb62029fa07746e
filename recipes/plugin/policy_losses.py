"""Every method's loss in verl's registry, those of methods that are registered later too."""

from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, register_policy_loss

from losses import registry
from losses.surrogate import policy_loss


def hand_over(own_loss: str) -> None:
    """Register losses.surrogate.policy_loss under this name, for `policy_loss.loss_mode`.

    Raises:
        ValueError: verl or another plug-in already holds a different loss of that name (verl itself would overwrite
            it silently).
    """
    existing = POLICY_LOSS_REGISTRY.get(own_loss)
    if existing is not None and existing is not policy_loss:
        raise ValueError(
            f"policy loss '{own_loss}' is already registered by {existing.__module__}; rename one of the two."
        )
    register_policy_loss(own_loss)(policy_loss)


def activate() -> None:
    """Hand over every method, now or when it is registered."""
    registry.follow(hand_over)


def missing() -> list[str]:
    """Names of our losses that verl would not call, because nothing or something else is registered there."""
    names = [config_class.own_loss for config_class in registry.METHODS.values()]
    return [name for name in names if POLICY_LOSS_REGISTRY.get(name) is not policy_loss]
