"""The gradient weight of a run's method, by the shipped code with the run's hyper-parameters.

Nothing of the run's config is imported: its `_target_` only chooses among the methods that are registered here.
"""

import dataclasses
import math
from typing import Any

from recipes.report.page.run_files import RunFiles, within

EVERY = 8  # of the 1921 ratios that recipes.report.curves computes
PATH = "actor_rollout_ref.actor"
OF_THE_ACTOR = {"clip_ratio", "clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "tau_pos", "tau_neg"}


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
            return None, f"The gradient weight of {mode} is not drawn: it is no method of this code."
        old = curves.OLD_PROBABILITIES[0]
        found = {(sign, old): curves.weight(actor, sign, old) for sign in curves.SIGNS}
        region = curves.trust_region(found, old)
    except (ImportError, TypeError, ValueError) as error:  # another version's config, or one that was edited
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
    """The shipped actor config of the run's method with the run's numbers; None for an unknown method."""
    from losses.registry import METHODS
    from recipes.report import curves

    target, mode = given["policy_loss"].get("_target_"), given["policy_loss"].get("loss_mode")
    for name, kind in METHODS.items():
        if target == f"{kind.__module__}.{kind.__qualname__}" and mode in (kind.own_loss, kind.verl_loss):
            shipped = curves.shipped_actor(name)
            own = {field.name for field in dataclasses.fields(shipped.policy_loss) if field.init}
            method = dataclasses.replace(shipped.policy_loss, **_numbers(given["policy_loss"], own))
            return dataclasses.replace(shipped, **_numbers(given, OF_THE_ACTOR), policy_loss=method)
    return None


def _numbers(given: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The numbers and switches among `names` that `given` sets."""
    return {name: given[name] for name in sorted(names & given.keys()) if isinstance(given[name], int | float)}
