"""A reward function of the user's own, called on rows of the data before verl calls it in a worker."""

import asyncio
import inspect
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from omegaconf import DictConfig

from recipes.common.errors import UserError

KEY = "reward.custom_reward_function"
SECONDS = 60.0  # a function that awaits a judge gets so long for each response; then it is left to the training
RESPONSES = ("", "no answer", r"\boxed{%s}")


def check(config: DictConfig, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """What it returns is a finite number, or a mapping with one under "score", with the same keys each time.

    Args:
        config: resolved; the function loads.
        rows: numbers and rows of a data file.

    Raises:
        UserError: names the function, the row and what came of it.
    """
    from verl.trainer.ppo.reward import get_custom_reward_fn

    function, chosen = get_custom_reward_fn(config), config.reward.custom_reward_function
    name, keys = f"{KEY}.path={chosen.path} {KEY}.name={chosen.name}", None
    for number, row in rows:
        gold = row["reward_model"]["ground_truth"]
        for text in RESPONSES:
            response = text % gold if "%s" in text else text
            given = {"data_source": row["data_source"], "solution_str": response, "ground_truth": gold}
            try:
                returned = _called(function, {**given, "extra_info": dict(row.get("extra_info") or {})})
            except TimeoutError:
                return
            except (Exception, SystemExit) as error:  # whatever a function of the user's raises
                raise UserError(
                    f"{name}: on row {number} with the response {response!r:.60} it raises {type(error).__name__}: "
                    f"{error}. Mend it; it is called with data_source, solution_str, ground_truth and extra_info."
                ) from error
            score = returned.get("score") if isinstance(returned, Mapping) else returned
            if not isinstance(score, Real) or not math.isfinite(score):
                raise UserError(
                    f"{name}: on row {number} with the response {response!r:.60} it returns {returned!r:.200}. Return "
                    'a finite number, or a mapping with one under "score".'
                )
            others = returned if isinstance(returned, Mapping) else {}
            if empty := [key for key, value in others.items() if _says_nothing(value)]:
                raise UserError(
                    f"{name}: on row {number} with the response {response!r:.60} it returns {returned!r:.200}. Return "
                    f"a number or a text under {empty[0]!r} too, for validation averages it, or leave the key out."
                )
            found = sorted(map(str, others))
            if keys is not None and found != keys:
                raise UserError(
                    f"{name}: on row {number} with the response {response!r:.60} it returns the keys {found}, before "
                    f"that {keys}. Return the same ones for every response."
                )
            keys = found


def _says_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, Real) and not math.isfinite(value))


def _called(function: Any, given: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return asyncio.run(asyncio.wait_for(function(**given), SECONDS))
    return function(**given)
