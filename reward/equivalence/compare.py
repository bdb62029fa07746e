"""Whether an answer equals an accepted one: by the tiers of `reward.equivalence.tiers`, then by math-verify."""

from dataclasses import replace

from reward.equivalence.last_resort import formulas
from reward.equivalence.normal_form import normal_form, read
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
        found = _compare_formulas(answer, gold, task)
    return replace(found, answer_form=normal_form(answer), gold_form=normal_form(gold))


def _compare_formulas(answer: str, gold: str, task: Task) -> Comparison:
    """By math-verify, unless one of the two is more than a formula (`reward.equivalence.last_resort`)."""
    sides = formulas(answer, gold)
    if sides is None:
        are_read = read(answer, task.multiple).readings and read(gold, task.multiple).readings
        return Comparison("wrong", "structure") if are_read else Comparison("unparsable", "text")
    if (found := compare_cheaply(*sides, task)) is not None:
        return found
    equal = equal_by_math_verify(*sides)
    outcome: Outcome = "unparsable" if equal is None else "ok" if equal else "wrong"
    return Comparison(outcome, "math-verify")
