r"""How a row states its accepted answers: a column, what follows a marker, the last \boxed{} of a solution, a list.

A data set of another kind needs one function here, and its name in a YAML.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from recipes.prepare_data.settings import Gold
from reward.extraction import extract_answer

Reader = Callable[[Any, Gold], list[str]]
_DEGREES = re.compile(r"(?:\^\s*+(?:\\circ|\{\s*+\\circ\s*+\})|°)$")


class Missing(ValueError):
    """The row states no answer."""


def read_golds(value: Any, gold: Gold) -> tuple[str, ...]:
    """The accepted answers that a row states, without repetition.

    Raises:
        Missing: it states none.
        ValueError: it states something else than `gold` says.
    """
    golds = [] if value is None else READERS[gold.read](value, gold)
    if not golds or not all(golds):
        raise Missing("states no answer")
    return tuple(dict.fromkeys(whole_number(one) if gold.whole else one for one in golds))


def whole_number(text: str) -> str:
    r"""27.0, 025 and 336^\circ as 27, 25 and 336: other verifiers than ours compare text."""
    number = _DEGREES.sub("", text.replace("$", "").rstrip()).rstrip()
    if not re.fullmatch(r"[+-]?\d+(?:\.0*)?", number):
        raise ValueError(f"answer {text!r} is no whole number, as gold.whole=true says")
    return str(int(number.partition(".")[0]))


def _text(value: Any) -> str:
    """A column as text. A whole float is written without its fraction: it was an integer before it met a data frame."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"holds a {type(value).__name__} where the answer should stand")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"holds {value} where the answer should stand")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _column(value: Any, gold: Gold) -> list[str]:
    return [_text(value)]


def _every(value: Any, gold: Gold) -> list[str]:
    """A list of accepted forms."""
    if not isinstance(value, list):
        raise ValueError(f"holds a {type(value).__name__} where the list of answers should stand")
    return [_text(one) for one in value]


def _only(value: Any, gold: Gold) -> list[str]:
    """A list of one, as OlympiadBench stores its answer; several parts stand inside that one text."""
    golds = _every(value, gold)
    if len(golds) > 1:
        raise ValueError(f"holds {len(golds)} answers where gold.read=only expects one")
    return golds


def _after_marker(value: Any, gold: Gold) -> list[str]:
    _, found, answer = _text(value).rpartition(gold.marker or "####")
    return [answer.strip()] if found else []


def _last_box(value: Any, gold: Gold) -> list[str]:
    found = extract_answer(_text(value))
    return [found.answer] if found.status == "found" else []


READERS: dict[str, Reader] = {
    "column": _column,
    "every": _every,
    "only": _only,
    "after_marker": _after_marker,
    "last_box": _last_box,
}
