"""Wait for the nodes of a cluster, with a deadline, and name the one that is missing."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from recipes.common.errors import UserError
from recipes.launch.job_folder import JobFolder


def usable(nodes: Iterable[dict[str, Any]], gpus: int) -> dict[str, str]:
    """Address → host name of the living nodes that offer at least `gpus` GPUs.

    Args:
        nodes: what ray.nodes() returns.
        gpus: trainer.n_gpus_per_node.
    """
    return {
        node["NodeManagerAddress"] + ":" + str(node["NodeManagerPort"]): node["NodeManagerHostname"]
        for node in nodes
        if node["Alive"] and node["Resources"].get("GPU", 0) >= gpus
    }


def places(nodes: Iterable[dict[str, Any]], gpus: int) -> int:
    """How often `gpus` GPUs of one node are there: verl puts two of its nodes on a machine that has twice as many.

    Args:
        nodes, gpus: as in `usable`.
    """
    return sum(int(node["Resources"].get("GPU", 0)) // gpus for node in nodes if node["Alive"])


def missing(folder: JobFolder | None, hosts: list[str], there: dict[str, str]) -> str:
    """Which nodes have not come, and how far each got; for the message.

    Args:
        folder: of the job; None on a cluster that somebody else started.
        hosts: names of the job's nodes by rank; empty if they are not known.
        there: what `usable` returned.
    """
    if folder is None:
        return "There: " + (", ".join(sorted(there.values())) or "none") + "."
    addresses = {key.rsplit(":", 1)[0] for key in there}
    signed_in = {node.rank: node for node in folder.nodes()}
    lines = [f"{name}: its launcher has not started" for rank, name in enumerate(hosts) if rank not in signed_in]
    lines += [
        f"{node.host} ({node.address}): its launcher runs, but its Ray has not joined with enough GPUs; "
        f"see {folder.path}/ray-{node.rank}.log"
        for node in signed_in.values()
        if node.address not in addresses
    ]
    return "Missing: " + ("; ".join(lines) or "nodes whose launcher has not signed in") + "."


def wait_for_nodes(
    count: int,
    gpus: int,
    timeout: float,
    folder: JobFolder | None = None,
    hosts: list[str] | None = None,
    check: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Return the nodes of the cluster this process is connected to, once there are enough.

    Args:
        count: trainer.nnodes.
        gpus: trainer.n_gpus_per_node; a node with fewer does not count.
        timeout: seconds.
        folder: as in `missing`.
        hosts: as in `missing`.
        check: called at each look; raises when waiting has become pointless.

    Raises:
        UserError: the deadline has passed; says which node is missing.
    """
    import ray

    deadline = time.monotonic() + timeout
    # Where the nodes of the job are known, each must come; on somebody else's cluster it is room that counts.
    while len(there := usable(ray.nodes(), gpus)) < count and (hosts or places(ray.nodes(), gpus) < count):
        check()
        if time.monotonic() > deadline:
            raise UserError(
                f"trainer.nnodes={count} with {gpus} GPU(s) each, but {len(there)} such node(s) have joined within "
                f"{timeout:.0f} s. {missing(folder, hosts or [], there)} Start them, write a smaller trainer.nnodes, "
                "or give them longer with RLVR_NODE_TIMEOUT=<seconds>."
            )
        time.sleep(0.5)
    return there
