"""Whether an answer equals an accepted one: by the tiers of `reward.equivalence.tiers`, then by math-verify."""

from dataclasses import replace

from reward.equivalence.normal_form import normal_form
from reward.equivalence.symbolic import assert_ready, equal_by_math_verify
from reward.equivalence.tiers import compare_at_sight, compare_cheaply
from reward.task import EXACT, Comparison, Outcome, Task

__all__ = [
    "Comparison",
    "Outcome",
    "Task",
    "assert_ready",
    "compare",
    "compare_at_sight",
    "compare_cheaply",
    "equal_by_math_verify",
]


def compare(answer: str, gold: str, task: Task = EXACT) -> Comparison:
    """Compare an answer with one accepted answer.

    Only math-verify, the last tier, may take for ever, exhaust the memory, or raise whatever it and sympy raise.
    """
    found = compare_cheaply(answer, gold, task)
    if found is None:
        equal = equal_by_math_verify(answer, gold)
        outcome: Outcome = "unparsable" if equal is None else "ok" if equal else "wrong"
        found = Comparison(outcome, "math-verify")
    return replace(found, answer_form=normal_form(answer), gold_form=normal_form(gold))
