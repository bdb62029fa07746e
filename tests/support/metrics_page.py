"""What docs/metrics.md documents: the names and patterns in the first columns of its tables."""

import functools
import itertools
import re
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def rows() -> list[list[str]]:
    """The rows of all tables, cell by cell."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def expanded(name: str) -> list[str]:
    """`a/{b,c}` → a/b, a/c; several braces multiply."""
    pieces = [piece.strip("{}").split(",") for piece in re.split(r"(\{[^}]*\})", name)]
    return ["".join(parts) for parts in itertools.product(*pieces)]


def names() -> list[str]:
    """Every name or pattern in the first column."""
    spans = [span for row in rows() for span in re.findall(r"`([^`]+)`", row[0])]
    return [name for span in spans for name in expanded(span)]


@functools.cache
def pattern() -> re.Pattern[str]:
    """Matches what is documented; `<…>` is any text without a slash."""
    regexes = ["[^/]+".join(map(re.escape, re.split(r"<[^>]*>", name))) for name in names()]
    return re.compile("|".join(regexes))


def undocumented(emitted: Iterable[str]) -> set[str]:
    """The emitted metrics that the page does not document."""
    return {name for name in emitted if not pattern().fullmatch(name)}


def guidance() -> dict[str, tuple[str, str]]:
    """By every name what the page calls healthy, and what it says otherwise; empty where a table has no such column."""
    found: dict[str, tuple[str, str]] = {}
    columns: list[str] = []
    for row in rows():
        if row[0] in ("metric", "alarm"):
            columns = row
        cells = dict(zip(columns, row, strict=False))
        for span in re.findall(r"`([^`]+)`", row[0]):
            found |= dict.fromkeys(expanded(span), (cells.get("healthy", ""), cells.get("else", "")))
    return found
