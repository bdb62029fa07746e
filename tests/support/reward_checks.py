"""What holds for any two texts: the fuzzer looks for some where it does not, and CI replays what it found."""

import time
from collections.abc import Callable
from typing import Any

from reward.equivalence.exact import Irrational, Meaning, Undefined
from reward.equivalence.normal_form import read
from reward.equivalence.structures import same
from reward.equivalence.tiers import compare_cheaply
from reward.equivalence.values import FEW, approximate
from reward.equivalence.words import has_words
from reward.parser.nodes import Node, TooLarge, number, replace_args
from reward.parser.numbers import written
from reward.parser.vocabulary import word_set

MOST_SECONDS = 2.0  # of CPU time, for one comparison
COLLECTIONS = word_set("list bracket set union intersection matrix row")
EXACT_KINDS = COLLECTIONS | word_set("number symbol constant add mul div pow neg factorial abs floor ceil call")
ROUGHLY = {"formula": ("add", "mul", "div", "pow", "neg"), "function": ("call", "abs", "floor", "ceil", "factorial")}


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What a function returns, and the CPU time it took."""
    start = time.thread_time()
    result = function(*arguments)
    return result, time.thread_time() - start


def problems(answer: str, gold: str, most_seconds: float = MOST_SECONDS) -> list[str]:
    """Which properties the comparison of two texts lacks; nothing at all if the scorer is sound."""
    found = []
    try:
        comparison, seconds = timed(compare_cheaply, answer, gold)
        backwards, more = timed(compare_cheaply, gold, answer)
        if max(seconds, more) > most_seconds:
            found.append(f"slow: {max(seconds, more):.1f} s")
        if compare_cheaply(answer, answer).outcome != "ok":
            found.append("an answer is not equal to itself")
        if (
            is_exact(answer)
            and is_exact(gold)
            and (comparison and comparison.outcome) != (backwards and backwards.outcome)
        ):
            found.append(f"not symmetric: {comparison and comparison.outcome}, {backwards and backwards.outcome}")
        for text in (answer, gold):
            found += [f"{problem}: {text!r}" for problem in _problems_of(text)]
    except (Exception, RecursionError) as error:
        found.append(f"raised {type(error).__name__}: {str(error)[:200]}")
    return found


def is_exact(text: str) -> bool:
    """Whether a text says numbers, or collections of numbers, and nothing that only one side may leave out or round.

    So it holds no words, units, percent signs, decimals, symbols, equations, and no number that does not exist.
    """
    readings = read(text, False).readings
    return bool(readings) and not has_words(text) and all(_is_exact(reading.tree) for reading in readings)


def _is_exact(tree: Node) -> bool:
    return _is_formula(tree) and not tree.symbols and _is_defined(tree)


def _is_formula(tree: Node) -> bool:
    """Whether nothing in it can be taken for rounded, as decimals and 26·10^1 can."""
    return tree.kinds <= EXACT_KINDS and all(written(node) is None for node in tree.walk())


def _problems_of(text: str) -> list[str]:
    """x is not x + 1, and a collection is itself if each of its numbers n is written as n + 0."""
    found = []
    for tree in [reading.tree for reading in read(text, False).readings]:
        if tree.is_scalar and _is_formula(tree) and same(tree, Node("add", (tree, number(1)))):
            found.append("equal to itself plus one")
        if is_exact(text) and same(tree, restated(tree)) is False:
            found.append("different from itself with n + 0 for each number n")
    return found


def _is_defined(tree: Node) -> bool:
    """Whether it is a collection of numbers, each of which has a value (the pole csc π is 10^50 to fifty digits)."""
    if not tree.is_scalar:
        return tree.kind in COLLECTIONS and all(_is_defined(arg) for arg in tree.args)
    try:
        value = approximate(tree, Meaning(), FEW)
    except (Irrational, Undefined, TooLarge):
        return False
    return bool(abs(value) < 10**40) or not tree.holds("call")


def restated(tree: Node) -> Node:
    """The same collection with n + 0 for each of its numbers n."""
    if tree.is_scalar:
        return Node("add", (tree, number(0)))
    return replace_args(tree, tuple(restated(arg) for arg in tree.args))


def kind_of(text: str) -> str:
    """The kind of what a text says, roughly, for telling inputs apart."""
    found = read(text, False)
    if found.too_large:
        return "too large"
    if not found.readings:
        return "words" if has_words(text) else "unread"
    kind = found.readings[0].tree.kind
    return next((name for name, kinds in ROUGHLY.items() if kind in kinds), kind)


def fingerprint(answer: str, gold: str) -> str:
    """What happens to two texts: who decides what, on which kinds."""
    comparison = compare_cheaply(answer, gold)
    decided = f"{comparison.tier}, {comparison.outcome}" if comparison else "math-verify"
    return f"{decided}: {', '.join(sorted((kind_of(answer), kind_of(gold))))}"
