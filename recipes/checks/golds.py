"""Can the reward read the rows of a data file, and can a model earn their golds?"""

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from recipes.checks import agent_loops, reward_trial
from recipes.common.errors import UserError
from reward.options import RewardOptions
from reward.processes.pool import ScoringPool
from reward.scoring import Scorer, accepted_answers
from reward.verl_entry import task_of

if TYPE_CHECKING:
    from datasets import Dataset

OURS = "pkg://reward.verl_entry"
GOLDS, SECONDS = 200, 5.0  # golds that are scored against themselves, and the time that is spent on it
LONGEST_GOLD = 300  # characters; an answer, not a solution


def check(config: DictConfig, key: str, loaded: "Dataset", sampled: list[int]) -> None:
    """The reward can read every row of a sample, and a model can earn it.

    Args:
        config: resolved.
        key: data.train_files or data.val_files.
        loaded: its rows.
        sampled: numbers of those to look at.

    Raises:
        UserError: names key, row and what to write.
    """
    rows = loaded.remove_columns([config.data.get("prompt_key", "prompt")]).select(sampled)
    ours = config.reward.custom_reward_function.path == OURS
    if ours:
        _check_all_have_golds(key, OmegaConf.select(config, key), loaded)
    agents = agent_loops.names(config) if "agent_name" in rows.column_names else frozenset()
    for number, row in zip(sampled, rows, strict=True):
        if why := _unreadable(row, ours, agents):
            raise UserError(f"{key}={OmegaConf.select(config, key)}, row {number}: {why}")
    first = [(number, row) for number, row in zip(sampled, rows, strict=True)]
    if ours:
        _check_earned(config, key, first)
    else:
        reward_trial.check(config, first[:2])


def _check_all_have_golds(key: str, files: Any, loaded: "Dataset") -> None:
    """Of every row: a gold that is missing counts as a broken scorer when its turn comes."""
    from pyarrow import compute

    column = loaded.with_format("arrow")["reward_model"]
    golds = compute.struct_field(column if hasattr(column, "type") else column[:], "ground_truth")
    if golds.null_count:
        raise UserError(
            f"{key}={files}: {golds.null_count:,} of {len(loaded):,} rows have no reward_model.ground_truth. Write the "
            "answer, or leave the rows out."
        )


def _unreadable(row: Mapping[str, Any], ours: bool, agents: frozenset[str]) -> str:
    """What is wrong with a row, and what to write; empty if nothing is."""
    if row["data_source"] is None:
        return "data_source is missing. Write the name of the data set; validation is counted by it."
    if why := misshapen(row):
        return why
    agent = row.get("agent_name")
    if agent is not None and agent not in agents:
        return f"agent_name={agent} is no agent loop. Write one of {', '.join(sorted(agents))}, or drop the column."
    return _no_gold(row["reward_model"]["ground_truth"], row) if ours else ""


def misshapen(row: Mapping[str, Any]) -> str:
    """Which of the two columns of fields has none, and what to write; empty if both are as they should be."""
    if row.get("extra_info") is not None and not isinstance(row["extra_info"], Mapping):
        return f"extra_info={row['extra_info']!r:.80} is no mapping. Write {{index: <number>}}, or leave it out."
    if not isinstance(row["reward_model"], Mapping):
        return f"reward_model={row['reward_model']!r:.80}. Write {{style: rule, ground_truth: <gold>}}."
    return ""


def never_earned(gold: Any) -> str:
    """Why no response at all earns a gold, and what to write; empty if one may."""
    for one in gold if isinstance(gold, list) else [gold]:
        if isinstance(one, bool | Mapping | list) or (isinstance(one, float) and not math.isfinite(one)):
            return (
                f"reward_model.ground_truth={gold!r:.80}: nothing a model writes can earn it. Write the answer as text "
                "('3'), or a list of texts."
            )
    return ""


def _no_gold(gold: Any, row: Mapping[str, Any]) -> str:
    where = f"reward_model.ground_truth={gold!r:.80}"
    if why := never_earned(gold):
        return why
    for one in gold if isinstance(gold, list) else [gold]:
        if "####" in str(one) or len(str(one)) > LONGEST_GOLD:
            return f"{where} is a whole solution: nothing else can earn it. Write the final answer only."
    try:
        accepted_answers(gold)
        task_of(row.get("extra_info"))
    except (ValueError, TypeError) as error:
        return f"{where}: {error}."
    return ""


def _check_earned(config: DictConfig, key: str, rows: list[tuple[int, Mapping[str, Any]]]) -> None:
    """A model that writes a gold in a box earns it. Of many golds as many as SECONDS allow."""
    given: Any = OmegaConf.to_container(config.reward.custom_reward_function.get("reward_kwargs") or OmegaConf.create())
    options = RewardOptions.of({str(name): value for name, value in given.items()})
    pool = ScoringPool(options.pool_settings)
    scorer, end = Scorer(pool), time.monotonic() + SECONDS
    tried, wrong = 0, []
    try:
        for number, row in rows[:: max(1, len(rows) // GOLDS)]:
            gold = row["reward_model"]["ground_truth"]
            first = accepted_answers(gold)[0]
            status = scorer.score(rf"\boxed{{{first}}}", gold, task_of(row.get("extra_info"))).verdict.status
            tried += 1
            if status != "ok":
                wrong.append((number, first, status))
            if time.monotonic() > end:
                break
    finally:
        pool.close()
    if len(wrong) > tried / 2:
        number, first, status = wrong[0]
        raise UserError(
            f"{key}={OmegaConf.select(config, key)}: {len(wrong)} of {tried} golds can't be earned; row {number} has "
            f"{first!r:.80}, and a response with it in a box scores 0 ({status}). Write reward_model.ground_truth as "
            "the final answer alone."
        )
