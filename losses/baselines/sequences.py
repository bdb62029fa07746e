"""What the methods with one ratio per sequence share."""

from typing import Any

from losses.method import MethodConfig
from losses.validation import require_on_actor


class SequenceMeanConfig(MethodConfig):
    """Base of methods whose objective is a mean over sequences of means over tokens."""

    def check_actor(self, actor: Any) -> None:
        """See losses.method.MethodConfig."""
        mode = actor.loss_agg_mode
        rule = f"the objective of {self.method} is a mean over sequences"
        require_on_actor(mode == "seq-mean-token-mean", "loss_agg_mode", mode, rule, "seq-mean-token-mean")
