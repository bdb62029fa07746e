r"""When two problems are the same text, and when they share so much that one gives the other away.

Exact: equal after everything that only typesets is removed (dollars, spaces, \left, \dfrac for \frac, case). Operators
and digits stay, or x + 1 would be x − 1.

n-gram: n words in a row in common, words being runs of letters or digits, as for GPT-3 and Qwen2.5-Math with n = 13.
The closing formula of AIME ("… where m and n are relatively prime positive integers. Find m + n.") is longer than that,
so a match counts only if the longest common subsequence of words, over the shorter problem's words, is at least 0.6, as
in Qwen2.5-Math (arXiv 2409.12122).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TYPESETTING = re.compile(
    r"\\(?:left|right|displaystyle|limits|quad|qquad|dots|ldots|cdots)(?![A-Za-z])|\\[,;:! ()\[\]]|[$~\s]+"
)
_FRACTIONS = re.compile(r"\\[dt]frac")
_END = ".?!:,;"
_WORDS = re.compile(r"[^\W\d_]+|\d+")


@lru_cache(maxsize=1 << 15)  # DAPO's public file repeats 17,917 rows a hundred times, in the same order
def exact_key(problem: str) -> str:
    """Equal for problems that differ in typesetting only."""
    text = unicodedata.normalize("NFKC", problem).casefold()
    return _TYPESETTING.sub("", _FRACTIONS.sub(r"\\frac", text)).rstrip(_END)


def words_of(problem: str) -> list[str]:
    """The words of a problem, in their order."""
    return _WORDS.findall(unicodedata.normalize("NFKC", problem).casefold())


def ngrams(words: list[str], n: int) -> set[tuple[str, ...]]:
    """All n-grams; none if there are fewer than n words."""
    return {tuple(words[start : start + n]) for start in range(len(words) - n + 1)}


def similarity(one: list[str], other: list[str]) -> float:
    """Length of the longest common subsequence over the length of the shorter list, from 0 to 1."""
    if not one or not other:
        return 0.0
    return _longest_common_subsequence(one, other) / min(len(one), len(other))


def _longest_common_subsequence(one: list[str], other: list[str]) -> int:
    """Its length, 64 and more cells of the usual table at a time (Hyyrö 2004): the zeros that are left in a bit row."""
    places: dict[str, int] = {}
    for index, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << index
    full = row = (1 << len(one)) - 1
    for word in other:
        common = row & places.get(word, 0)
        row = (row + common | row - common) & full
    return len(one) - row.bit_count()
