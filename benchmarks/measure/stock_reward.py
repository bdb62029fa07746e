"""verl's own `math_verify` in the signature that verl calls: what the stock side of the trainings scores with."""

from typing import Any

from verl.utils.reward_score.math_verify import compute_score as math_verify


def compute_score(data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None, **_: Any) -> float:
    """1 for a right response, else 0."""
    return math_verify(solution_str, ground_truth)
