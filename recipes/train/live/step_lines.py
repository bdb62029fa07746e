"""One line per step, for log files and terminals that can't redraw."""

import time

from recipes.common import durations
from recipes.runs import metrics
from recipes.train.live.formats import number, share
from recipes.train.live.history import History


def stamped(words: str) -> str:
    """With the time of day in front."""
    return f"{time.strftime('%H:%M:%S')}  {words}"


def step_line(history: History) -> str:
    """The latest step in words; what it did not measure is `-`, and the validation is the latest there is."""
    length, each = history.value(metrics.LENGTH), history.seconds_per_step()
    validated = history.validations[-1][1] if history.validations else None
    words = [
        f"step {history.step}/{history.last}",
        f"reward {number(history.value(metrics.REWARD))}",
        f"validation {number(validated)}",
        f"length {number(length, '.1f')}",
        f"truncated {share(history.value(metrics.TRUNCATED))}",
        f"entropy {number(history.value(metrics.ENTROPY))}",
        f"{number(each, '.1f')} s/step",
        f"left {durations.clock(history.left())}",
    ]
    return "  ".join(words)
