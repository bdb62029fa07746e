"""Text a model wrote → its final answer → a verdict with a status a dashboard can show."""

from reward.scoring import score, score_many
from reward.verdict import STATUSES, Status, Verdict
from reward.verl_entry import compute_score

__all__ = ["STATUSES", "Status", "Verdict", "compute_score", "score", "score_many"]
