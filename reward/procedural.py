r"""The reward of procedural tasks: reasoning-gym's own verifier, on the answer in the box, in a scoring process.

    reward.custom_reward_function.path: pkg://reward.procedural
    reward.custom_reward_function.name: compute_score

Right is what the library gives full marks; its partial marks are not paid, so that accuracy and reward are one thing as
they are for mathematics. Columns, statuses, options and limits are those of `reward.verl_entry`.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Future
from functools import lru_cache
from typing import Any

from reward.extraction import extract_answer
from reward.options import RewardOptions, cached_options
from reward.processes import plain_process
from reward.processes.pool import Outcome, ScoringPool
from reward.verdict import Verdict
from reward.verl_entry import NOT_OPTIONS, as_columns


async def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: dict[str, Any] | None = None, **given: Any
) -> dict[str, float | str]:
    """The verdict on one response as verl's reward manager expects it; never raises for what a model wrote.

    Args:
        data_source: name of the data set; not used.
        solution_str: the response.
        ground_truth: the library's answer; not used, since other answers may be right.
        extra_info: "task", the task's name, and "entry", the library's problem as JSON (recipes.inputs.procedural).
        **given: options of reward.options.RewardOptions.

    Raises:
        ValueError: the row is none of reasoning-gym's, or an option is unknown; found before a run starts.
    """
    options = cached_options(tuple(sorted((k, v) for k, v in given.items() if k not in NOT_OPTIONS)))
    info = extra_info or {}
    if not isinstance(info, Mapping) or not info.get("task") or not info.get("entry"):
        raise ValueError("extra_info lacks task or entry: write data=reasoning_gym, which makes such rows")
    found = extract_answer(solution_str, require_box=options.require_box, thinking_open=options.thinking_open)
    if found.status != "found":
        return as_columns(Verdict.of(found.status), options)
    judged = submit(options, found.answer, str(info["task"]), str(info["entry"]))
    failure, mark = await asyncio.wrap_future(judged)
    status = failure or ("ok" if isinstance(mark, float) and mark >= 1.0 else "wrong")
    return as_columns(Verdict.of(status, found.answer), options)


def submit(options: RewardOptions, answer: str, task: str, entry: str) -> "Future[Outcome]":
    """The library's mark on an answer, from a process that can be killed."""
    return _pool(options).submit(mark, answer, task, entry)


def mark(answer: str, task: str, entry: str) -> float:
    """In [0, 1], 1 for a right answer.

    Args:
        answer: what the model wrote in its box.
        task: name of a task of reasoning-gym.
        entry: its problem, as JSON.
    """
    return float(_verifier(task)(answer, json.loads(entry)))


@lru_cache(maxsize=128)
def _verifier(task: str) -> Any:
    from reasoning_gym.factory import get_score_answer_fn

    return get_score_answer_fn(task)


@lru_cache(maxsize=8)
def _pool(options: RewardOptions) -> ScoringPool:
    plain_process.preload("reasoning_gym")  # it takes seconds to import, and a deadline counts them
    return ScoringPool(options.pool_settings)
