"""All checks, in two lists: of this machine, and of the cluster."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from recipes.checks import config as config_checks
from recipes.checks import preflight, reward
from recipes.common.console import chatter_to
from recipes.common.errors import UserError
from recipes.doctor import check, clock, cluster, collective, nodes, shared_folder, versions
from recipes.doctor.check import Check
from recipes.doctor.finding import Finding, failure, of_message, ok

# Of each step of preflight.CHECKS: what is well if it passes, and what it builds on.
_STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "hardware": ("the preset suits this environment and machine", ()),
    "config": ("hyper-parameters, sizes and verl's own validation", ("plug-in", "reward")),
    "environment": ("everything that the config names can be imported", ("config",)),
    "run folder": ("can be written; no other run stands there", ()),
    "preparation": ("model and data that this project builds itself are there", ("config",)),
    "model": ("weights, tokenizer and chat template", ("preparation",)),
    "data": ("files, columns and rows", ("preparation",)),
    "disk": ("room for the checkpoints", ("model",)),
}


def _plugin(config: DictConfig) -> list[Finding]:
    config_checks.check_plugin()
    return [ok("plug-in", "losses, estimators and platform are registered with verl")]


def _reward(config: DictConfig) -> list[Finding]:
    reward.check_reward(config)
    return [ok("reward", "known answers are scored right, through the scoring processes")]


def _step(name: str, function: preflight.CheckFunction) -> Check:
    fine, needs = _STEPS[name]

    def run(config: DictConfig) -> list[Finding]:
        function(config)
        return [ok(name, fine)]

    return Check(name, run, needs)


DRIVER_CHECKS = (
    Check(versions.NAME, versions.check),
    Check("plug-in", _plugin),
    Check("reward", _reward),
    *(_step(name, function) for name, function in preflight.CHECKS),
)

CLUSTER_CHECKS = (
    Check(nodes.ENOUGH, nodes.enough),
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
        return check.run(DRIVER_CHECKS, config, say)


def of_cluster(config: DictConfig) -> list[Finding]:
    """The checks of every node, on the cluster that the training would use; it is left as it was."""
    with _quietly() as say:
        say("Ray")
        try:
            with cluster.connected(config) as joined:
                return check.run(CLUSTER_CHECKS, joined, say)
        except UserError as error:
            return [of_message("Ray", str(error), "cluster")]
        except Exception as error:  # no cluster is a finding
            cure = "Ray did not start: is this machine overloaded, or its /tmp or /dev/shm full? Try again."
            if os.environ.get("RAY_ADDRESS"):
                cure = "Is RAY_ADDRESS that of a living cluster, and is its token set (docs/cluster.md)?"
            return [failure("Ray", check.described(error), cure, "cluster")]
