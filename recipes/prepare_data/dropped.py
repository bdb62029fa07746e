"""What was dropped and why: a line per row in report.jsonl, a count per reason in the card."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

EXCERPT = 200  # characters
Action = Literal["dropped", "kept"]


class Report:
    """Collects entries in the order they come.

    Attributes:
        counts: entries by (part, action, reason), repetitions by their number.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.counts: Counter[tuple[str, Action, str]] = Counter()

    def add(
        self, part: str, action: Action, reason: str, row: int, text: str, times: int, more: dict[str, object]
    ) -> None:
        """Note one row, or `times` rows that repeat one.

        Args:
            part: of the data set.
            action: kept where a row stays all the same.
            reason: the same words for the same reason.
            row: from 1.
            text: of which an excerpt is kept.
            times: rows this stands for.
            more: what else belongs to it.
        """
        self.counts[part, action, reason] += times
        entry = {"part": part, "action": action, "reason": reason, "row": row, **more, "text": text[:EXCERPT]}
        self.entries.append(entry | ({"times": times} if times > 1 else {}))

    def summary(self) -> str:
        """The reasons and their counts in one line."""
        return ", ".join(f"{count:,} {reason}" for (_, _, reason), count in self.counts.items()) or "no reason noted"

    def write(self, path: Path) -> None:
        """One JSON object per line."""
        with path.open("w", encoding="utf-8") as file:
            for entry in self.entries:
                file.write(json.dumps(entry, ensure_ascii=True) + "\n")
