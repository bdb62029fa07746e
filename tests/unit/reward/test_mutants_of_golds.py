"""No answer that says something else than its gold is paid, and every rewriting is: a share of fuzz/fuzz_equality.py.

From math-verify's own golds, which stand in this repository, and from some of the data sets' where they are at hand.
"""

import random
from collections.abc import Iterator

import pytest
from answer_mutants import MUTANTS, REWRITINGS, Kind, answers, are_equal
from judged_pairs import Pair, judged, pairs
from math_verify_cases import CASES, answer_in
from reward_data import golds, needs_data

from reward.processes.pool import shared_pool
from reward.task import EXACT, Task

SEED = 21
DRAWN = 100  # golds of the data sets
# What the golds of math-verify lack, so that every kind of answer is made at least once.
ONE_OF_EACH = (
    *(
        "8:20 a.m.",
        "1011_2",
        "f(x) = 2x + 1",
        "y = x + 3",
        "x = k\\pi, k \\in \\mathbb{Z}",
        "5 \\text{ cm}",
        "2\\frac{1}{3}",
    ),
    *("2\\pi r", "\\sin x", "x \\geq 3", "(1, 2)", "[2, 5)", "a^2 + b^3", "12345", "1.25", "1, 2, 3", "Evelyn", "Yes"),
    *("3\\sqrt{2}", "\\frac{3}{4}", "x + 2y = 7", "x^{2} - y", "V = 100 \\text{ cm}^3", "x = 0, 1"),
)
OWN = [(gold, EXACT) for gold in dict.fromkeys([*(answer_in(case["gold"]) for case in CASES), *ONE_OF_EACH]) if gold]


def paid(kinds: dict[str, Kind], chosen: list[tuple[str, Task]]) -> Iterator[tuple[Pair, bool]]:
    """Whether each answer of these kinds is paid, in the processes that score."""
    for pair, outcome in judged(shared_pool(), pairs(kinds, chosen, SEED)):
        yield pair, outcome == "ok"


def false_payments(chosen: list[tuple[str, Task]]) -> list[tuple[str, str, str]]:
    """Kind, answer and gold of mutants that are paid, unless sympy finds them equal: those are no mutants."""
    found = [pair[:3] for pair, is_paid in paid(MUTANTS, chosen) if is_paid]
    return [(kind, answer, gold) for kind, answer, gold in found if not are_equal(answer, gold)]


def refusals(chosen: list[tuple[str, Task]]) -> list[tuple[str, str, str]]:
    """Kind, answer and gold of rewritings that are not paid."""
    return [pair[:3] for pair, is_paid in paid(REWRITINGS, chosen) if not is_paid]


def drawn() -> list[tuple[str, Task]]:
    """Golds of the data sets, each text once; the same ones in every run."""
    known = dict.fromkeys((gold, task) for _, gold, task in golds() if gold.strip())
    return random.Random(SEED).sample([*known], DRAWN)


def test_no_mutant_is_paid() -> None:
    assert false_payments(OWN) == []


def test_every_rewriting_is_paid() -> None:
    assert refusals(OWN) == []


@needs_data
def test_no_mutant_of_a_gold_of_the_data_sets_is_paid() -> None:
    assert false_payments(drawn()) == []


@needs_data
def test_every_rewriting_of_a_gold_of_the_data_sets_is_paid() -> None:
    assert refusals(drawn()) == []


@pytest.mark.parametrize(("kinds", "least"), [(MUTANTS, 1200), (REWRITINGS, 1200)])
def test_every_kind_is_made(kinds: dict[str, Kind], least: int) -> None:
    """A kind that applies to no gold would test nothing."""
    made = [kind for gold, _ in OWN for kind, _ in answers(kinds, gold, SEED)]
    assert set(made) == set(kinds)
    assert len(made) >= least


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("1 + x", "x + 1", True),
        (r"\frac{2}{4}", r"\frac12", True),
        ("(x+1)^2", "x^2 + 2x + 1", True),
        ("x + 2", "x + 1", False),
        (r"0 < \sin \frac{2\pi}{5} < 2", r"0 < \sin \frac{3\pi}{5} < 2", True),
        (r"0 < \sin \frac{1\pi}{5} < 2", r"0 < \sin \frac{3\pi}{5} < 2", False),
        ("x > 1", "x < 1", False),
        ("(2, 1)", "(1, 2)", False),
        (r"\text{nothing}", "7", False),
    ],
)
def test_equality_is_decided_without_our_code(answer: str, gold: str, expected: bool) -> None:
    assert are_equal(answer, gold) is expected
