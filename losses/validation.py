"""Range checks of hyper-parameters whose message says what to write instead."""

from typing import Any

PREFIX = "actor_rollout_ref.actor.policy_loss."


def require(condition: bool, name: str, value: Any, rule: str, instead: str) -> None:
    """Raise ValueError naming the full Hydra key, the value, the rule and a value that works.

    Args:
        condition: what must hold.
        name: field name, e.g. `dgpo_n`.
        value: the rejected value.
        rule: e.g. "must be an integer >= 1".
        instead: what to write, e.g. "1 (the paper's default)".
    """
    if not condition:
        raise ValueError(f"{PREFIX}{name}={value!r}: {name} {rule}. Write {PREFIX}{name}={instead}.")


def is_number(value: Any) -> bool:
    """True for a finite int or float, not for bool, str or None."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def is_integer(value: Any) -> bool:
    """True for an int that is not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def require_on_actor(condition: bool, name: str, value: Any, rule: str, instead: str) -> None:
    """Like `require`, for a key of `actor_rollout_ref.actor` itself, which verl owns."""
    if not condition:
        key = f"actor_rollout_ref.actor.{name}"
        raise ValueError(f"{key}={value!r}: {rule}. Write {key}={instead}.")
