"""Every problem once, in the order of the file, whatever its length: only what is unique is kept in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from recipes.prepare_data.problems import Problem
from recipes.prepare_data.similarity import exact_key


@dataclass
class Group:
    """A problem and what its repetitions say.

    copies: how many rows hold it beyond the first.
    other_golds: accepted answers of repetitions that are not those of the first.
    """

    problem: Problem
    copies: int = 0
    other_golds: list[tuple[str, ...]] = field(default_factory=list)


def group(problems: Iterable[Problem]) -> list[Group]:
    """The distinct problems; a problem without text is equal to none."""
    groups: dict[bytes, Group] = {}
    for problem in problems:
        key = hashlib.blake2b(exact_key(problem.text).encode("utf-8", "replace"), digest_size=16).digest()
        if not problem.text:
            key += problem.row.to_bytes(8, "big")
        known = groups.setdefault(key, Group(problem))
        if known.problem is not problem:
            known.copies += 1
            if not known.problem.golds:
                known.problem = problem  # the first one that states an answer
            if problem.golds != known.problem.golds and problem.golds not in known.other_golds:
                known.other_golds.append(problem.golds)
    return list(groups.values())
