r"""The tiers of comparison, cheapest first; the first that understands both sides decides.

    text         the same text, once both are tidied
    integer      integers of any length: 025, 1,000
    rational     integers, fractions and what is made of them, exactly
    decimal      the same, where one side is written with a point, a percent sign or a power of ten, and may be rounded
    expression   roots, functions, symbols: evaluated at points (`reward.equivalence.values`)
    structure    relations, lists, tuples, sets, intervals, matrices, quantities (`reward.equivalence.structures`)
    text answer  words (`reward.equivalence.words`)

Each decides both ways: what it understands never reaches sympy. Nothing here evaluates text or imports sympy, the time
and the memory it takes are bounded, and no text makes it raise.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from reward.equivalence.approximate import approximate, context, to_real
from reward.equivalence.exact import Irrational, Meaning, Undefined
from reward.equivalence.normal_form import LONGEST, Reading, read
from reward.equivalence.structures import same
from reward.equivalence.words import as_mathematics, complement, has_words, option, option_with_content, same_words
from reward.parser.nodes import Node, TooLarge
from reward.parser.numbers import DECIMAL, GROUPED, plain_integer, plain_rational
from reward.parser.text import canonical, tidy
from reward.task import EXACT, Comparison, Task

TINY = 1e-6
LETTERS = re.compile(r"([A-Z]{2,})|\\(?:text|mathrm|textbf|textrm|mbox|mathbf)\{\s*([A-Z]{2,})\s*\}")
DECIMAL_SIGNS = frozenset((".", "e", "E"))


def compare_at_sight(answer: str, gold: str, task: Task = EXACT) -> Comparison | None:
    """The verdict of the tiers that only match and divide strings of digits, in time linear in their length; or None.

    Nothing is parsed, so that this may run in the process that trains.
    """
    return _first(AT_SIGHT, answer, gold, task)


def compare_cheaply(answer: str, gold: str, task: Task = EXACT) -> Comparison | None:
    """The verdict of all tiers but math-verify, within bounded time; None if only math-verify may know.

    It raises nothing that depends on the texts.
    """
    return _first(TIERS, answer, gold, task)


def _first(tiers: "tuple[Tier, ...]", answer: str, gold: str, task: Task) -> Comparison | None:
    for tier in tiers:
        found = tier(answer, gold, task)
        if found is not None:
            return found
    return None


def _as_long(answer: str, gold: str, task: Task) -> Comparison | None:
    """Beyond the bound nothing is read but integers: "9" repeated 20 000 times is still no 8."""
    if max(len(answer), len(gold)) <= LONGEST:
        return None
    if answer.strip() == gold.strip():
        return Comparison("ok", "text")
    integers = plain_integer(answer.strip()), plain_integer(gold.strip())
    if None in integers:
        return Comparison("unparsable", "text")
    return Comparison("ok" if integers[0] == integers[1] else "wrong", "integer")


def _as_text(answer: str, gold: str, task: Task) -> Comparison | None:
    return Comparison("ok", "text") if canonical(answer) == canonical(gold) else None


def _as_numbers(answer: str, gold: str, task: Task) -> Comparison | None:
    """Plain integers and fractions, without parsing; decimals may be rounded and go on."""
    if task.unit or task.tolerance or task.multiple:
        return None
    texts = tidy(answer), tidy(gold)
    integers = [plain_integer(text) for text in texts]
    if None not in integers:
        return Comparison("ok" if integers[0] == integers[1] else "wrong", "integer")
    values = [plain_rational(text) for text in texts]
    if None in values:
        return None
    tier = _number_tier(*texts)
    if values[0] == values[1]:
        return Comparison("ok", tier)
    return Comparison("wrong", tier) if tier == "rational" else None


def _number_tier(*texts: str) -> str:
    return "decimal" if any("." in text or "%" in text or "e" in text.lower() for text in texts) else "rational"


def _as_decimal_comma(answer: str, gold: str, task: Task) -> Comparison | None:
    """1000,99 for 1000.99, as most of Europe writes: only where the gold's point says that there is one number."""
    one, other = tidy(answer), tidy(gold)
    if task.multiple or one.count(",") != 1 or GROUPED.fullmatch(one.lstrip("+-")) or not DECIMAL.fullmatch(other):
        return None
    pointed = one.replace(",", ".")
    if DECIMAL.fullmatch(pointed) and plain_rational(pointed) == plain_rational(other):
        return Comparison("ok", "decimal")
    return None


def _as_letters(answer: str, gold: str, task: Task) -> Comparison | None:
    """IV is not VI, HTH not HHT, BAC not ABC: capital letters in a row are no product whose order is free."""
    runs = [LETTERS.fullmatch(text) for text in (tidy(answer), tidy(gold))]
    if runs[0] is None or runs[1] is None:
        return None
    return Comparison("ok" if (runs[0][1] or runs[0][2]) == (runs[1][1] or runs[1][2]) else "wrong", "text answer")


def _as_option(answer: str, gold: str, task: Task) -> Comparison | None:
    """(C) 17 for the gold C."""
    letter, chosen = option(gold), option_with_content(answer)
    if letter is None or chosen is None:
        return None
    return Comparison("ok" if chosen == letter else "wrong", "text answer")


def _as_structures(answer: str, gold: str, task: Task) -> Comparison | None:
    ours, theirs = read(gold, task.multiple), read(answer, task.multiple)
    if ours.too_large or theirs.too_large:
        return Comparison("unparsable", "structure")
    if ours.opaque or theirs.opaque:
        return Comparison("unparsable", "text")
    if not ours.readings or not theirs.readings:
        return None
    verdicts = []
    for mine in ours.readings:
        tree = _with_unit(mine.tree, task.unit)
        for other in theirs.readings:
            try:
                verdict = _same_reading(replace(mine, tree=tree), other, task)
            except RecursionError:
                return Comparison("unparsable", "structure")
            if verdict:
                return Comparison("ok", _tier(tree, other.tree))
            verdicts.append(verdict)
    if None in verdicts:
        huge = any(_is_huge(reading.tree) for side in (ours, theirs) for reading in side.readings)
        return Comparison("unparsable", "structure") if huge else None
    return Comparison("wrong", _tier(ours.readings[0].tree, theirs.readings[0].tree))


def _same_reading(gold: Reading, answer: Reading, task: Task) -> bool | None:
    if gold.limits and answer.limits and gold.limits != answer.limits:
        return False  # "where |c| <= 1" and "where |c| <= 5"; what only one side says is no difference
    if _domains_differ(dict(gold.domains), dict(answer.domains)):
        return False
    verdict = same(gold.tree, answer.tree, gold.integers | answer.integers)
    if not verdict and task.tolerance is not None:
        return _is_within(gold.tree, answer.tree, Fraction(str(task.tolerance))) or verdict
    return verdict


def _domains_differ(ours: dict[str, str], theirs: dict[str, str]) -> bool:
    """k ∈ ℤ is not k ∈ ℕ, nor n ∈ ℕ, its parameter by another name; what only one side says is no difference."""
    both = ours.keys() & theirs.keys()
    if both:
        return any(ours[name] != theirs[name] for name in both)
    return len(ours) == len(theirs) == 1 and {*ours.values()} != {*theirs.values()}


def _with_unit(tree: Node, unit: str | None) -> Node:
    """The gold with the unit of its data set, unless it states one."""
    if not unit or not tree.is_scalar or tree.holds("quantity", "percent", "degree"):
        return tree
    name = tidy(unit)
    if "%" in name:
        return Node("percent", (tree,))
    if "circ" in name or "degree" in name:
        return Node("degree", (tree,))
    return Node("quantity", (tree,), name)


def _is_within(gold: Node, answer: Node, tolerance: Fraction) -> bool:
    """Whether two numbers, as they are written, differ by no more than the tolerance."""
    if not (gold.is_scalar and answer.is_scalar) or gold.symbols or answer.symbols:
        return False
    as_written = Meaning(percent=Fraction(1), radians=False)
    try:
        values = [approximate(node, as_written, 50) for node in (gold, answer)]
    except (Irrational, Undefined, TooLarge):
        return False
    return bool(abs(values[0] - values[1]) <= to_real(tolerance, context(50)) * (1 + context(50).mpf(10) ** -30))


def _is_huge(node: Node) -> bool:
    """Whether a value in it is beyond the bounds of this package, so that sympy should not see it either.

    So is a tiny one: math-verify calls equal what differs by less than its rounding, as 1/100000! and 1/100001! do.
    """
    if not node.is_scalar or node.symbols:
        return any(_is_huge(arg) for arg in node.args)
    try:
        value = approximate(node, Meaning(), 50)
    except TooLarge:
        return True
    except (Irrational, Undefined):
        return False
    return bool(0 < abs(value) < TINY)


def _tier(gold: Node, answer: Node) -> str:
    nodes = [node for side in (gold, answer) for node in side.walk()]
    if not (gold.is_scalar and answer.is_scalar) or any(node.kind in ("sign", "quantity", "based") for node in nodes):
        return "structure"
    if any(node.kind in ("symbol", "constant", "call", "apply", "degree") for node in nodes):
        return "expression"
    if any(
        node.kind == "percent" or DECIMAL_SIGNS & set(node.name) for node in nodes if node.kind in ("number", "percent")
    ):
        return "decimal"
    return "integer" if all(node.kind == "number" for node in nodes) else "rational"


def _as_words(answer: str, gold: str, task: Task) -> Comparison | None:
    tier = "text answer"
    if not (has_words(answer) or has_words(gold)):
        return None
    if same_words(gold, answer):
        return Comparison("ok", tier)
    formulas = as_mathematics(answer), as_mathematics(gold)
    if any(formulas):
        found = _as_structures(formulas[0] or answer, formulas[1] or gold, task)
        return Comparison(found.outcome if found else "wrong", tier)
    by_gold, by_answer = complement(gold), complement(answer)
    if by_gold is not None and _is_ok_without_words(answer, by_gold, task):
        return Comparison("ok", tier)
    if by_answer is not None and _is_ok_without_words(by_answer, gold, task):
        return Comparison("ok", tier)
    return Comparison("wrong", tier)


def _is_ok_without_words(answer: str, gold: str, task: Task) -> bool:
    """Whether two texts are equal for the tiers before words: what a sentence states is not taken apart once more."""
    found = _first(TIERS_WITHOUT_WORDS, answer, gold, task)
    return found is not None and found.outcome == "ok"


Tier = Callable[[str, str, Task], Comparison | None]
AT_SIGHT: tuple[Tier, ...] = (_as_long, _as_text, _as_numbers, _as_decimal_comma)
TIERS_WITHOUT_WORDS: tuple[Tier, ...] = (*AT_SIGHT, _as_letters, _as_option, _as_structures)
TIERS: tuple[Tier, ...] = (*TIERS_WITHOUT_WORDS, _as_words)
