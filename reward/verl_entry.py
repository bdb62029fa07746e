"""The function verl calls for each response.

    reward.custom_reward_function.path: pkg://reward.verl_entry
    reward.custom_reward_function.name: compute_score

verl imports this module in every process that scores; it must not import verl, torch or omegaconf in turn.
"""

from typing import Any

from reward.scoring import score


def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: dict[str, Any] | None = None, **kwargs: Any
) -> dict[str, float | str]:
    """The verdict on one response as verl's reward manager expects it. Never raises.

    verl makes columns of the keys, so they are the same for every response: "score" is the reward, "acc" and "score"
    become validation metrics, "pred" feeds maj@k, and "status" goes into the dumped generations.
    """
    verdict = score(solution_str, ground_truth)
    return {
        "score": verdict.score,
        "acc": verdict.acc,
        # A lone surrogate cannot be written as UTF-8 and would end verl's thread that dumps generations.
        "pred": verdict.pred.encode("utf-8", "replace").decode("utf-8"),
        "status": verdict.status,
    }
