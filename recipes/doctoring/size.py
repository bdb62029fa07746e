"""Are there as many nodes and GPUs as the config asks for?"""

from recipes import cluster_size
from recipes.doctoring.cluster import Cluster
from recipes.doctoring.finding import Finding, failure, ok
from recipes.launching.waiting import places, usable

NAME = "nodes"


def check(cluster: Cluster) -> list[Finding]:
    """Room in Ray's eyes for the nodes that train and those that only generate."""
    nnodes, gpus = cluster_size.nodes(cluster.config), cluster.config.trainer.n_gpus_per_node
    there = usable(cluster.raw, gpus)
    room = places(cluster.raw, gpus)
    if room < nnodes:
        short = ", ".join(f"{node.name} has {node.gpus}" for node in cluster.nodes if node.gpus < gpus)
        what = f"{len(there)} node(s) with {gpus} GPU(s), the training needs {nnodes}" + (f"; {short}" if short else "")
        cure = "Start the missing nodes, or write a smaller trainer.nnodes or trainer.n_gpus_per_node."
        return [failure(NAME, what, cure, "cluster")]
    more = "" if len(there) == room == nnodes else f"; room for {room}, the training needs {nnodes}"
    return [ok(NAME, f"{len(there)} with {gpus} GPU(s) or more{more}", "cluster")]
