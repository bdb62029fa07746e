"""When two problems are the same."""

import random

import pytest

from recipes.prepare_data.overlap import Benchmarks
from recipes.prepare_data.similarity import exact_key, ngrams, similarity, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Find $x+1$.", "Find  $x + 1$"),
        (r"Find $\dfrac{1}{2}$.", r"find \(\frac{1}{2}\)!"),
        (r"\[\left(a\right)\] is", "$(a)$ is"),
        ("a\u00a0b\u2009c", "A b c"),
        ("ﬁnd x", "find x"),
    ],
)
def test_typesetting_does_not_matter(one: str, other: str) -> None:
    assert exact_key(one) == exact_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Find x+1.", "Find x-1."),
        ("Is 3.5 > 2?", "Is 35 > 2?"),
        (r"Find \frac{1}{2}.", r"Find \sqrt{1}{2}."),
        ("Find x^2.", "Find x2."),
        ("{1,2}", "{12}"),
    ],
)
def test_mathematics_does(one: str, other: str) -> None:
    assert exact_key(one) != exact_key(other)


def longest_common_subsequence(one: list[str], other: list[str]) -> int:
    """By the recursion that defines it."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def test_similarity_is_that_of_the_definition() -> None:
    draw = random.Random(0)
    for _ in range(300):
        one, other = ([draw.choice("abcd") for _ in range(draw.randint(1, 90))] for _ in range(2))
        assert similarity(one, other) == longest_common_subsequence(one, other) / min(len(one), len(other))
        assert similarity(one, other) == similarity(other, one)
    assert similarity([], ["a"]) == 0


def test_ngrams_need_as_many_words() -> None:
    words = words_of(r"Let $x_{12}=\frac{3}{4}$ and find it")
    assert words == ["let", "x", "12", "frac", "3", "4", "and", "find", "it"]
    assert len(ngrams(words, 9)) == 1 and not ngrams(words, 10)


CLOSING = " can be written as m over n where m and n are relatively prime positive integers. Find m + n."
AIME = (
    "Jen enters a lottery by picking four distinct numbers from one to ten. Four numbers are then chosen at random, "
    "and she wins a prize if at least two of hers were chosen, and the grand prize if all four were. The probability "
    "of her winning the grand prize, given that she won a prize,"
)


def test_a_shared_closing_formula_is_no_overlap() -> None:
    """It holds a 13-gram, so it is listed; but the problems are others."""
    index = Benchmarks([("aime24", "1", AIME + CLOSING)], words=13, least=0.6)
    same = index.matches(AIME.replace("Jen", "Ann") + CLOSING)
    other = index.matches(
        "Cut a cube with side length six by planes through every three vertices that share one neighbour, remove all "
        "eight corners so obtained, measure what volume remains, divide this by its surface area; this ratio" + CLOSING
    )
    assert [(match.kind, match.counts) for match in same] == [("ngram", True)]
    assert [(match.kind, match.counts) for match in other] == [("ngram", False)]
    strict = Benchmarks([("aime24", "1", AIME + CLOSING)], words=13, least=0.0)
    assert all(match.counts for match in strict.matches("We know that it" + CLOSING))


def test_a_short_problem_overlaps_only_exactly() -> None:
    index = Benchmarks([("math500", "1", "What is $2^{10}$?")], words=13, least=0.6)
    assert [match.kind for match in index.matches("what is 2^{10}")] == ["exact"]
    assert index.matches("What is $2^{11}$?") == []
