"""What scoring one response yields."""

from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal["ok", "wrong", "no_answer", "truncated", "unparsable", "timeout", "crashed"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Verdict:
    """The verdict on one response.

    score: the reward, 1.0 for a correct answer and 0.0 for anything else.
    acc: the accuracy, 1.0 or 0.0; a field of its own, so that a shaped reward would leave it alone.
    pred: the answer as the model wrote it, "" where there is none.
    status: why the score is what it is:
        ok          the answer equals an accepted one;
        wrong       it was compared and differs;
        no_answer   the response is complete but holds no box;
        truncated   it was cut off while thinking or inside its last box;
        unparsable  the answer or the accepted one is no mathematics, and as text they differ;
        timeout     comparing took longer than the deadline;
        crashed     comparing raised an error or its process died: the scorer is at fault, not the model.

    Raises ValueError for a status outside this list.
    """

    score: float
    acc: float
    pred: str
    status: Status

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status={self.status!r} is unknown; write one of {', '.join(STATUSES)}")

    @classmethod
    def of(cls, status: Status, pred: str = "") -> "Verdict":
        """The verdict with the score that `status` earns: only "ok" is paid."""
        paid = 1.0 if status == "ok" else 0.0
        return cls(score=paid, acc=paid, pred=pred, status=status)
