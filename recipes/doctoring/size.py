"""Are there as many nodes and GPUs as the config asks for?"""

from recipes import cluster_size
from recipes.doctoring.cluster import Cluster
from recipes.doctoring.finding import Finding, failure, ok
from recipes.launching.waiting import usable

NAME = "nodes"


def check(cluster: Cluster) -> list[Finding]:
    """Nodes with enough GPUs in Ray's eyes, against those that train and those that only generate."""
    nnodes, gpus = cluster_size.nodes(cluster.config), cluster.config.trainer.n_gpus_per_node
    there = usable(cluster.raw, gpus)
    if len(there) < nnodes:
        short = ", ".join(f"{node.name} has {node.gpus}" for node in cluster.nodes if node.gpus < gpus)
        what = f"{len(there)} node(s) with {gpus} GPU(s), the training needs {nnodes}" + (f"; {short}" if short else "")
        cure = "Start the missing nodes, or write a smaller trainer.nnodes or trainer.n_gpus_per_node."
        return [failure(NAME, what, cure, "cluster")]
    more = "" if len(there) == nnodes else f"; the training needs {nnodes}"
    return [ok(NAME, f"{len(there)} with {gpus} GPU(s) or more{more}", "cluster")]
