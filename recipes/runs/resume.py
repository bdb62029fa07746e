"""Where a run goes on: read once from what its earlier attempts left, and what follows for the next one."""

from dataclasses import dataclass
from typing import Any

from recipes.runs.metrics_file import read_metrics
from recipes.runs.run_folder import RunFolder


@dataclass(frozen=True)
class Resume:
    """What is left of earlier attempts at a run.

    Attributes:
        started: whether there was one.
        from_step: step of the latest intact checkpoint, after which training goes on; 0 without one.
        rows: all that was logged, also what the latest attempt was killed before copying.
        noted: metrics of `from_step` as its checkpoint noted them; None where they are among `rows`, or nowhere.
    """

    started: bool
    from_step: int
    rows: list[dict[str, Any]]
    noted: dict[str, Any] | None

    @classmethod
    def of(cls, folder: RunFolder) -> "Resume":
        """Read it; nothing is changed."""
        step, rows, attempts = folder.checkpointed_step(), folder.rows(), folder.attempts()
        if attempts:
            copied = max((row["step"] for row in rows), default=-1)
            rows += [row for row in read_metrics(attempts[-1]) if row["step"] > copied]
        is_logged = any(row["step"] == step for row in rows)
        return cls(folder.exists(), step, rows, None if is_logged else folder.checkpoints.row(step))

    @property
    def logged_step(self) -> int:
        """The last step that is logged: its update, validation and checkpoint are all done. 0 without one."""
        return max((row["step"] for row in self.rows), default=0)

    def is_complete(self, last: int) -> bool:
        """Whether nothing is left to train up to step `last`."""
        return self.started and self.logged_step >= last

    def carried(self, test_freq: int) -> dict[int, dict[str, Any]]:
        """Step → metrics of `from_step`, where they are not logged before the validation of that step joins them.

        Args:
            test_freq: steps from one validation to the next; not positive for none.
        """
        is_validated = test_freq > 0 and self.from_step % test_freq == 0
        return {self.from_step: self.noted} if self.noted is not None and is_validated else {}

    def kept(self, test_freq: int) -> list[dict[str, Any]]:
        """What metrics.jsonl holds when the next attempt begins: the steps after `from_step` are trained again.

        Step 0 is the validation before training: a run that begins anew repeats it.
        """
        if not self.from_step:
            return []
        kept = [row for row in self.rows if row["step"] <= self.from_step]
        if self.noted is not None and not self.carried(test_freq):
            kept.append({"step": self.from_step, "data": self.noted})
        return kept

    def validates_first(self, test_freq: int) -> bool | None:
        """Whether the next attempt validates before it trains: no step twice; None leaves that to the config."""
        if self.carried(test_freq):
            return True
        return False if any(row["step"] == self.from_step for row in self.kept(test_freq)) else None
