"""Responses of a run: read from generations/, and thinned evenly where there are more than a page can hold."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.report.page.run_files import parsed
from recipes.report.page.sanitize import display_text
from recipes.report.page.series import number
from recipes.runs import dumps
from recipes.runs.rightness import is_right
from recipes.runs.run_folder import RunFolder

SETS = ("train", "validation")
# Bytes of text; beyond, only some steps are read. A page holds some 12 MB of it packed, and a text with a single emoji
# takes four bytes per character here.
MOST_READ = 256 * 2**20
LONGEST_LINE = 16 * 2**20  # bytes; a longer one is no response


@dataclass(slots=True)
class Response:
    """One sampled response.

    Attributes:
        part: train or validation.
        step: after how many steps it was sampled.
        problem: the prompt and the accepted answer.
        output: its text.
        score: what it earned, None if unknown.
        right: whether the answer counts as right, None if unknown.
        status: the scorer's word, "" if unknown.
        answer: what the scorer took for the answer, "" if unknown.
        length: tokens, None if unknown.
        truncated: whether it was cut off at the length limit.
    """

    part: str
    step: int
    problem: tuple[str, str]
    output: str
    score: float | None
    right: bool | None
    status: str
    answer: str
    length: int | None
    truncated: bool

    @property
    def outcome(self) -> str:
        """What the page sorts by: the scorer's status, or right, wrong and truncated where it left none."""
        if self.right:
            return "right"
        if self.status and self.status not in ("ok", "wrong"):
            return self.status
        return "truncated" if self.truncated else "wrong" if self.right is False else "unscored"


@dataclass(frozen=True)
class Read:
    """What was read.

    Attributes:
        responses: in the order of the files.
        files: how many were read.
        skipped: how many were not, because all together are too large.
        broken: lines that are no response.
    """

    responses: list[Response]
    files: int
    skipped: int
    broken: int


def response_files(run: Path) -> list[tuple[str, int, Path]]:
    """(part, step, file) of all files of responses, by step; links that lead out of the run are passed over."""
    root, found = run.resolve(), []
    for part in SETS:
        for step, file in dumps.files(RunFolder(run).responses(part)):
            if file.is_file() and file.resolve().is_relative_to(root):
                found.append((part, step, file))
    return sorted(found, key=lambda entry: (entry[1], entry[0], entry[2]))


def read(files: list[tuple[str, int, Path]], most: int = MOST_READ) -> Read:
    """The responses of these files, or of evenly spaced ones where they hold more than `most` bytes."""
    size = sum(dumps.size(file) for _, _, file in files)
    kept = files if size <= most else spread(files, max(2, int(len(files) * most / size)))
    responses, broken = [], 0
    for part, step, file in kept:
        for response in _of_file(part, step, file, most):
            if response is None:
                broken += 1
            else:
                responses.append(response)
    return Read(responses, len(kept), len(files) - len(kept), broken)


def spread(items: list[Any], count: int) -> list[Any]:
    """`count` of the items, evenly spaced, the first and the last among them."""
    if count >= len(items):
        return items
    return [items[round(place * (len(items) - 1) / max(count - 1, 1))] for place in range(count)]


def evenly(responses: list[Response], count: int) -> list[Response]:
    """At most `count` of the responses, in order: as many of each outcome in each step, so that rare ones stay."""
    if count >= len(responses):
        return responses
    groups: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for place, response in enumerate(responses):
        groups[response.part, response.step, response.outcome].append(place)
    chance = random.Random(0)
    ranked = []
    for places in groups.values():
        chance.shuffle(places)  # responses to one prompt stand next to each other
        ranked += [(rank, chance.random(), place) for rank, place in enumerate(places)]
    return [responses[place] for place in sorted(place for _, _, place in sorted(ranked)[:count])]


def _of_file(part: str, step: int, file: Path, most: int) -> Iterator[Response | None]:
    try:
        with dumps.opened(file) as lines:
            while (line := lines.readline(LONGEST_LINE)) and lines.tell() <= most:
                if line.strip():
                    yield _response(part, step, parsed(line))
    except dumps.BROKEN:
        yield None  # a compressed file that is damaged; what stands before the damage is shown


def _response(part: str, step: int, row: Any) -> Response | None:
    if not isinstance(row, dict) or not isinstance(row.get("output"), str):
        return None
    score = number(row.get("score"))
    length = number(row.get("length"))
    return Response(
        part=part,
        step=step,
        problem=(display_text(row.get("input", "")), _short(row.get("gts"))),
        output=display_text(row["output"]),
        score=score,
        right=is_right(row.get("acc"), score),
        status=_short(row.get("status"), 40),
        answer=_short(row.get("pred")),
        length=None if length is None else int(length),
        truncated=row.get("truncated") is True,
    )


def _short(value: Any, limit: int = 300) -> str:
    return "" if value is None else display_text(value, limit)


def counts(responses: Iterable[Response]) -> dict[str, int]:
    """Outcome → how many."""
    found: dict[str, int] = defaultdict(int)
    for response in responses:
        found[response.outcome] += 1
    return dict(found)
