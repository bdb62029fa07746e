"""The function verl calls for each response.

    reward.custom_reward_function.path: pkg://reward.verl_entry
    reward.custom_reward_function.name: compute_score
    reward.custom_reward_function.reward_kwargs: {scale: plus_minus_one}        options of reward.options

verl imports this module in every process that scores; it must not import verl, torch or omegaconf in turn.
"""

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from reward.equivalence.compare import Task
from reward.options import RewardOptions, cached_options
from reward.processes.pool import ScoringPool
from reward.scoring import Scorer
from reward.verdict import STATUSES, Verdict

# verl passes these where a reward model runs beside the function.
NOT_OPTIONS = ("reward_router_address", "reward_model_tokenizer")
TASK_KEYS = ("unit", "tolerance", "multiple")


async def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: dict[str, Any] | None = None, **given: Any
) -> dict[str, float | str]:
    """The verdict on one response as verl's reward manager expects it; awaits a scoring process, never raises.

    verl makes columns of the keys, so they are the same for every response: "score" is the reward, "acc" and "score"
    become validation metrics, "pred" feeds maj@k, "status" goes into the dumped generations, and "status_<status>" is 1
    for the one that holds, so that its mean over a validation is that status's share.

    Args:
        data_source: name of the data set; not used.
        solution_str: the response.
        ground_truth: the accepted answer, or a list of them.
        extra_info: may hold "answer": {"unit", "tolerance", "multiple"}, what the data set says about the answer.
        **given: options of reward.options.RewardOptions.

    Raises:
        ValueError: an option is unknown or out of range; recipes' launcher finds that before a run starts.
    """
    options = cached_options(tuple(sorted((k, v) for k, v in given.items() if k not in NOT_OPTIONS)))
    future = scorer_of(options).submit(solution_str, ground_truth, task_of(extra_info))
    return as_columns((await asyncio.wrap_future(future)).verdict, options)


def as_columns(verdict: Verdict, options: RewardOptions) -> dict[str, float | str]:
    """A verdict as verl's columns."""
    return {
        "score": options.reward(verdict),
        "acc": verdict.acc,
        # A lone surrogate cannot be written as UTF-8 and would end verl's thread that dumps generations.
        "pred": verdict.pred.encode("utf-8", "replace").decode("utf-8"),
        "status": verdict.status,
        **{f"status_{status}": float(verdict.status == status) for status in STATUSES},
    }


def task_of(extra_info: dict[str, Any] | None) -> Task:
    """What the data set says about the answer; parquet fills absent entries with None.

    Data sets made for verl keep a worked solution under this name (its GSM8K example): a text says nothing here.
    """
    said = (extra_info or {}).get("answer")
    if not isinstance(said, Mapping):
        return Task()
    return Task(**{key: said[key] for key in TASK_KEYS if said.get(key) is not None})


@lru_cache(maxsize=8)
def scorer_of(options: RewardOptions) -> Scorer:
    """One scorer, with its own processes, per set of options."""
    pool = ScoringPool(options.pool_settings)
    return Scorer(pool, require_box=options.require_box, thinking_open=options.thinking_open)
