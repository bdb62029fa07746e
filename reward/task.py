"""What is asked of a comparison, and what it yields."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

Outcome = Literal["ok", "wrong", "unparsable"]


@dataclass(frozen=True)
class Task:
    """What the data set says about its golds.

    unit: the unit of the gold where the gold itself has none ("cm", "%").
    tolerance: how far an answer may be from the gold (absolute, as OlympiadBench judges its `error`).
    multiple: the gold holds several parts in any order, so its commas never group digits.

    Raises ValueError for a tolerance that is no positive number.
    """

    unit: str | None = None
    tolerance: float | None = None
    multiple: bool = False

    def __post_init__(self) -> None:
        if self.tolerance is not None and not (isfinite(self.tolerance) and self.tolerance > 0):
            raise ValueError(f"tolerance={self.tolerance!r} must be a positive number, or None for exact answers")


@dataclass(frozen=True)
class Comparison:
    """The outcome of one comparison.

    outcome: "ok"; "wrong"; "unparsable" if one of the two is no mathematics and as text they differ.
    tier: the tier that decided.
    answer_form, gold_form: their normal forms; equal answers have the same one wherever that is plain.
    """

    outcome: Outcome
    tier: str
    answer_form: str = ""
    gold_form: str = ""


EXACT = Task()
