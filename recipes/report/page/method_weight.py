"""The gradient weight of a run's method, by the shipped code with the run's hyper-parameters.

Nothing of the run's config is imported: its `_target_` only chooses among the methods that are registered here.
"""

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

from recipes.common.errors import UserError
from recipes.report.page.run_files import RunFiles, within

EVERY = 8  # of the 1921 ratios that recipes.report.curves computes
PATH = "actor_rollout_ref.actor"
ANY = "grpo"  # a shipped choice, for what a method of one's own leaves as it is


def ratio_edges() -> list[float]:
    """Edges of the histogram bins of the ratio, ascending; the first and the last bin are open."""
    from losses.metrics import RATIO_EDGES

    return [float(edge) for edge in RATIO_EDGES]


def weight_figure(run: RunFiles) -> tuple[dict[str, Any] | None, str | None]:
    """log r, w for both signs of the advantage and the trust region; or a sentence that says why there is none."""
    given = within(run.config, PATH)
    if not isinstance(given, dict) or not isinstance(given.get("policy_loss"), dict):
        return None, None
    mode = given["policy_loss"].get("loss_mode")
    try:
        from recipes.report import curves

        actor = _actor(given)
        if actor is None:
            return None, (
                f"The gradient weight of {mode} is not drawn: it is no method of this code. Write --config-dir=<the "
                "folder whose policy_loss/ names it> for one of your own."
            )
        old = curves.OLD_PROBABILITIES[0]
        found = {(sign, old): curves.weight(actor, sign, old) for sign in curves.SIGNS}
        region = curves.trust_region(found, old)
    except (ImportError, TypeError, ValueError, UserError) as error:  # another version's config, or one that was edited
        return None, f"The gradient weight of {mode} is not drawn: {error}"
    return {
        "log_ratio": _thinned(curves.LOG_RATIO),
        "positive": _thinned(found[1.0, old]),
        "negative": _thinned(found[-1.0, old]),
        "region": [math.log(bound) for bound in region] if region else None,
        "probability": old,
    }, None


def _thinned(values: Any) -> list[float]:
    return [round(float(value), 5) for value in values[::EVERY]]


def _actor(given: dict[str, Any]) -> Any:
    """The actor config of the run's method with the run's numbers; None for a method that is not registered here.

    A method of one's own is: where it has just been trained, and after curves.register_choices.
    """
    from recipes.plugin.methods import METHODS
    from recipes.report import curves

    target, mode = given["policy_loss"].get("_target_"), given["policy_loss"].get("loss_mode")
    for name, kind in METHODS.items():
        if target == f"{kind.__module__}.{kind.__qualname__}" and mode in (kind.own_loss, kind.verl_loss):
            own = {field.name for field in dataclasses.fields(kind) if field.init}
            numbers = _numbers(given["policy_loss"], own)
            if name in curves.all_choices():
                shipped = curves.shipped_actor(name)
                method = dataclasses.replace(shipped.policy_loss, **numbers)
            else:
                shipped, method = curves.shipped_actor(ANY), kind(**{"loss_mode": mode, **numbers})
            beside = _numbers(given, set(curves.OF_THE_ACTOR))
            return SimpleNamespace(**{**vars(shipped), **beside, "policy_loss": method})
    return None


def _numbers(given: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The numbers and switches among `names` that `given` sets."""
    return {name: given[name] for name in sorted(names & given.keys()) if isinstance(given[name], int | float)}
