"""Responses packed for the page: an index that it reads at once, and chunks of texts that it unpacks when asked."""

from typing import Any

from recipes.report.page.responses import Response, counts, evenly
from recipes.report.page.sanitize import packed

PER_CHUNK = 256  # responses; unpacking one takes a browser some milliseconds
TIGHTEST = 10  # text is not packed tighter: what is longer than this many budgets is thinned before it is packed


def batch(responses: list[Response]) -> dict[str, Any]:
    """`index` (packed columns and problems), `blocks` (packed lists of texts), `count`."""
    problems: dict[tuple[str, str], int] = {}
    words: dict[str, int] = {}
    index: dict[str, list[Any]] = {name: [] for name in ("part", "step", "problem", "outcome", "score", "length")}
    index["answer"] = [response.answer for response in responses]
    for response in responses:
        index["part"].append(int(response.part == "validation"))
        index["step"].append(response.step)
        index["problem"].append(problems.setdefault(response.problem, len(problems)))
        index["outcome"].append(words.setdefault(response.outcome, len(words)))
        index["score"].append(response.score)
        index["length"].append(response.length)
    return {
        "count": len(responses),
        "index": packed({**index, "problems": list(problems), "outcomes": list(words), "block": PER_CHUNK}),
        "blocks": [
            packed([response.output for response in responses[first : first + PER_CHUNK]])
            for first in range(0, len(responses), PER_CHUNK)
        ],
    }


def size(made: dict[str, Any]) -> int:
    """Bytes of a batch inside the page."""
    return len(made["index"]) + sum(map(len, made["blocks"]))


def within_budget(responses: list[Response], budget: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A batch of at most `budget` bytes, thinned evenly if need be.

    Returns:
        The batch, and `shown`, `read` and both by outcome.
    """
    length = sum(len(response.output) for response in responses)
    kept = evenly(responses, int(len(responses) * min(1.0, TIGHTEST * budget / max(length, 1))))
    made = batch(kept)
    while kept and size(made) > budget:
        kept = evenly(responses, int(len(kept) * 0.97 * budget / size(made)))
        made = batch(kept)
    return made, shares(kept, responses)


def shares(kept: list[Response], responses: list[Response]) -> dict[str, Any]:
    """How many are kept of how many: `shown`, `read`, and both by outcome."""
    of_kept = counts(kept)
    return {
        "shown": len(kept),
        "read": len(responses),
        "outcomes": {name: [of_kept.get(name, 0), count] for name, count in counts(responses).items()},
    }
