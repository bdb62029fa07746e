"""A run that goes on, as the readers of its live page know it: what there is, and what came after they last asked.

A page holds a cursor: how many rows, batches of responses and versions of the story it knows. When lines have vanished
(a run that began anew, or went on from an earlier checkpoint) all cursors are void and the page is loaded again.
"""

import secrets
from pathlib import Path
from typing import Any

from recipes.report.page import build, charts, method_weight, responses, series, settings
from recipes.report.page.chunks import batch, shares
from recipes.report.page.run_files import RunFiles
from recipes.report.page.sanitize import packed
from recipes.report.page.story import story
from recipes.runs.run_folder import METRICS

EVERY = 3.0  # seconds between two questions of a page
MOST_PER_LOOK = 400  # new responses


class FollowedRun:
    """One run, read again at every look.

    Args:
        path: its folder, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin()

    def _begin(self) -> None:
        self._life = secrets.token_hex(4)
        self._run = RunFiles(self._path)
        self._text = b""
        self._batches: list[dict[str, Any]] = []
        self._responses: dict[str, Any] = {"shown": 0, "read": 0, "outcomes": {}, "files": 0, "skipped": 0, "broken": 0}
        self._known: set[Path] = set()
        self._figure: dict[str, Any] | None = None
        self._figure_note: str | None = None
        self._figured = False
        self._story: dict[str, Any] = {}
        self._stories = 0
        self._made = ("", b"")

    def page(self) -> bytes:
        """The whole page as of now; the same object as long as nothing is new.

        Raises:
            UserError: the folder holds no run.
        """
        self.look()
        if self._made[0] != self._cursor():
            self._made = (self._cursor(), self._page().encode())
        return self._made[1]

    def _page(self) -> str:
        run = {
            "name": build.names([self._run])[0],
            "story": self._story,
            "series": packed(series.columns(self._run.rows, charts.drawn)),
            "weight": self._figure,
            "responses": dict(self._responses),
            "batches": list(self._batches),
        }
        return build.document(build.page([run], settings.groups([self._run]), self._cursor(), EVERY))

    def news(self, cursor: str) -> dict[str, Any] | None:
        """What came after `cursor`; None if nothing did.

        Raises:
            UserError: the folder holds no run.
        """
        self.look()
        if cursor == self._cursor():
            return None
        known = self._parsed(cursor)
        if known is None:
            return {"reload": True}
        rows, batches, stories = known
        part: dict[str, Any] = {"batches": self._batches[batches:], "responses": self._responses}
        if self._run.rows[rows:]:
            part["series"] = series.columns(self._run.rows[rows:], charts.drawn)
        if stories != self._stories:
            part["story"] = self._story
        return {"cursor": self._cursor(), "runs": [part]}

    def look(self) -> None:
        """Read what is new in the folder; one that is missing or empty is waited for.

        Raises:
            UserError: the folder holds no run.
        """
        run = RunFiles.read(self._path) if self._path.is_dir() else RunFiles(self._path)
        steps, before = ([row["step"] for row in one.rows] for one in (run, self._run))
        file = run.inside(METRICS)
        text = file.read_bytes() if file else b""
        if steps[: len(before)] != before or not text.startswith(self._text):
            self._begin()
        self._run, self._text = run, text[: text.rfind(b"\n") + 1]
        self._draw_weight(run)
        self._take_responses(run)
        told = story(run)
        told["notes"] += build.notes(self._responses, self._figure_note)
        if told != self._story:
            self._story, self._stories = told, self._stories + 1

    def _draw_weight(self, run: RunFiles) -> None:
        """Once, as soon as there is a config; pages that are open are loaded again, for they lack all of its tables."""
        if run.config and not self._figured:
            self._figure, self._figure_note = method_weight.weight_figure(run)
            self._figured, self._life = True, secrets.token_hex(4)

    def _take_responses(self, run: RunFiles) -> None:
        """Pack the files that are new; those of a step that is not logged yet may still be growing."""
        last = run.rows[-1]["step"] if run.rows else -1
        files = [entry for entry in responses.response_files(run.path) if entry[1] <= last]
        new = [entry for entry in files if entry[2] not in self._known]
        if not new:
            return
        self._known |= {file for _, _, file in new}
        if self._batches:
            read = responses.read(new).responses
            kept = responses.evenly(read, MOST_PER_LOOK)
            made = batch(kept)
            self._count(shares(kept, read))
        else:
            made, self._responses = build.response_batch(new, build.RESPONSES_BUDGET)
        if made["count"]:
            self._batches.append(made)

    def _count(self, more: dict[str, Any]) -> None:
        """Add to what the page says about how many responses it holds."""
        known = self._responses
        known["shown"] += more["shown"]
        known["read"] += more["read"]
        for name, (kept, read) in more["outcomes"].items():
            before = known["outcomes"].get(name, [0, 0])
            known["outcomes"][name] = [before[0] + kept, before[1] + read]

    def _cursor(self) -> str:
        return f"{self._life}.{len(self._run.rows)}.{len(self._batches)}.{self._stories}"

    def _parsed(self, cursor: str) -> tuple[int, int, int] | None:
        """Rows, batches and stories that a page knows; None where it must be loaded again."""
        life, *counts = cursor.split(".")
        if life != self._life or len(counts) != 3 or not all(count.isdecimal() for count in counts):
            return None
        rows, batches, stories = (int(count[:9]) for count in counts)
        return rows, batches, stories
