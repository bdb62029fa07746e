"""Do the nodes' clocks agree with the driver's?

The node's time is set against the midpoint of the call, as NTP does; of several calls the quickest counts, since half
of its duration is how far the midpoint may be off.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from recipes.doctor.check import described
from recipes.doctor.cluster import Cluster, Node, pinned
from recipes.doctor.finding import Finding, failure, ok, warning

NAME = "clock"
WARN, FAIL = 1.0, 30.0  # seconds
CALLS = 5
TIMEOUT = 60.0


class Sample(NamedTuple):
    """One call, seconds since 1970: sent and returned by the driver's clock, said by the node's."""

    sent: float
    said: float
    returned: float


def offset(samples: Sequence[Sample]) -> tuple[float, float]:
    """How far the node's clock is ahead of the driver's, and how far that may be off; seconds."""
    best = min(samples, key=lambda sample: sample.returned - sample.sent)
    return best.said - (best.sent + best.returned) / 2, (best.returned - best.sent) / 2


def judge(samples: Sequence[Sample], where: str) -> Finding:
    """A difference counts as far as the measurement can't explain it."""
    ahead, uncertain = offset(samples)
    certain = abs(ahead) - uncertain
    what = f"{abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} the driver (± {uncertain:.3f} s)"
    cure = "Run an NTP client (chrony, systemd-timesyncd) on all nodes."
    if certain > FAIL:
        return failure(NAME, what, cure, where)
    if certain > WARN:
        return warning(NAME, what, cure, where)
    return ok(NAME, f"within {WARN:.0f} s of the driver", where)


def now() -> float:
    """On a node."""
    return time.time()


def check(cluster: Cluster) -> list[Finding]:
    """Ask every node for the time."""
    return [_check(node) for node in cluster.nodes]


def _check(node: Node) -> Finding:
    import ray

    task = ray.remote(num_cpus=0, max_retries=0)(now).options(**pinned(node))
    samples = []
    try:
        for _ in range(CALLS):
            sent = time.time()
            said = ray.get(task.remote(), timeout=TIMEOUT)
            samples.append(Sample(sent, said, time.time()))
    except Exception as error:  # the node is named, and the others are still asked
        return failure(NAME, described(error), "Look at that node: is it alive?", node.name)
    return judge(samples, node.name)
