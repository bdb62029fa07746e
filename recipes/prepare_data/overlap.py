"""Which training problems a benchmark holds too: exactly, or by n words in a row (see prepare_data/similarity.py)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.prepare_data.settings import OverlapWith
from recipes.prepare_data.similarity import exact_key, ngrams, similarity, words_of


@dataclass(frozen=True)
class Match:
    """A benchmark's problem that a training problem meets.

    kind: exact or ngram.
    similarity: of their words, 0 to 1.
    counts: whether this is the same problem by the rule, or shares a formula only.
    """

    benchmark: str
    id: str
    kind: str
    similarity: float
    counts: bool
    text: str


class Benchmarks:
    """The problems of several benchmarks, ready to be compared with.

    Args:
        problems: (benchmark, id, text) of each.
        words: n of the n-grams.
        least: similarity from which an n-gram match counts.
    """

    def __init__(self, problems: list[tuple[str, str, str]], words: int, least: float) -> None:
        self._problems, self._n, self._least = problems, words, least
        self._words = [words_of(text) for _, _, text in problems]
        self._exact: defaultdict[str, list[int]] = defaultdict(list)
        self._ngrams: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, (_, _, text) in enumerate(problems):
            self._exact[exact_key(text)].append(index)
            for ngram in ngrams(self._words[index], words):
                self._ngrams[ngram].append(index)

    def matches(self, text: str) -> list[Match]:
        """What a training problem meets, the nearest first."""
        words = words_of(text)
        exact = set(self._exact.get(exact_key(text), ()))
        near = {index for ngram in ngrams(words, self._n) for index in self._ngrams.get(ngram, ())}
        found = [self._match(index, "exact" if index in exact else "ngram", words) for index in sorted(exact | near)]
        return sorted(found, key=lambda match: (match.kind != "exact", -match.similarity))

    def _match(self, index: int, kind: str, words: list[str]) -> Match:
        benchmark, identity, text = self._problems[index]
        near = 1.0 if kind == "exact" else similarity(words, self._words[index])
        return Match(benchmark, identity, kind, round(near, 3), kind == "exact" or near >= self._least, text)


def load_benchmarks(settings: OverlapWith) -> Benchmarks:
    """The prepared benchmarks.

    Raises:
        UserError: one is not there.
    """
    problems = []
    for name in settings.sets:
        file = Path(settings.folder) / f"{name}.parquet"
        if not file.is_file():
            raise UserError(
                f"{file}: there is no such file, so nothing can be checked for overlap with {name}. Run `python -m "
                "recipes.prepare_data data=benchmarks` first, or write overlap=ignore."
            )
        problems += [(name, row["id"], row["problem"]) for row in _extra_info(file)]
    return Benchmarks(problems, settings.words, settings.similarity)


def _extra_info(file: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(file, columns=["extra_info"]).column("extra_info").to_pylist()
