"""All checks, in two lists: of this machine, and of the cluster."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from recipes.console import chatter_to
from recipes.doctoring import check, clock, cluster, collective, driver, nodes, shared_folder, size
from recipes.doctoring.check import Check
from recipes.doctoring.finding import Finding, failure

CLUSTER_CHECKS = (
    Check(size.NAME, size.check),
    Check(nodes.NAME, nodes.check),
    Check(shared_folder.NAME, shared_folder.check),
    Check(clock.NAME, clock.check),
    Check(collective.NAME, collective.check),
)


@contextmanager
def _quietly() -> Iterator[Callable[[str], None]]:
    """What libraries print goes to a file that is thrown away; on stderr stands which check is running.

    Without a terminal that is a line for each: Ray may end this process at once, and then the last one says where.
    """
    with (
        os.fdopen(os.dup(2), "w", buffering=1) as errors,
        tempfile.TemporaryDirectory(prefix="rlvr-") as folder,
        chatter_to(Path(folder) / "log"),
    ):
        progress = Console(file=errors, highlight=False, soft_wrap=True)
        if not progress.is_terminal:
            yield lambda name: progress.print(f"[doctor] {name}", markup=False)
            return
        with progress.status("") as status:
            yield lambda name: status.update(f"checking: {name}")


def of_driver(config: DictConfig) -> list[Finding]:
    """The checks of this machine; no Ray."""
    with _quietly() as say:
        return check.run(driver.CHECKS, config, say)


def of_cluster(config: DictConfig) -> list[Finding]:
    """The checks of every node, on the cluster that the training would use; it is left as it was."""
    with _quietly() as say:
        say("Ray")
        try:
            with cluster.connected(config) as joined:
                return check.run(CLUSTER_CHECKS, joined, say)
        except ConnectionError as error:
            cure = "Is RAY_ADDRESS that of a living cluster, and is its token set (docs/cluster.md)?"
            return [failure("Ray", check.described(error), cure, "cluster")]
        except Exception as error:  # no cluster is a finding
            cure = "Ray did not start: is this machine overloaded, or its /tmp or /dev/shm full? Try again."
            return [failure("Ray", check.described(error), cure, "cluster")]
