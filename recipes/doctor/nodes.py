"""Are there enough nodes, and what does each say of itself?"""

import torch

from recipes.checks import files as file_checks
from recipes.config import hardware
from recipes.doctor import gpu_checks, node_checks, probe
from recipes.doctor.cluster import Cluster, silent
from recipes.doctor.finding import Finding, failure, ok
from recipes.doctor.node_checks import Case
from recipes.launch.waiting import places, usable
from recipes.plugin import register
from recipes.runs import manifest

NAME = "node report"
ENOUGH = "nodes"


def check(cluster: Cluster) -> list[Finding]:
    """One Ray task per node; its answer goes through every judge."""
    question = node_checks.question_of(cluster.config)
    answers = cluster.ask(probe.report, question)
    register.check()  # on a CPU it also answers for the version of vLLM, as it does on the nodes
    versions, files = manifest.versions(), probe.sizes(question.files)
    count, one = file_checks.checkpoint_bytes(cluster.config)  # once: for a hub id it asks the hub
    cases = [
        Case(node, found, cluster.config, versions, files, count * one)
        for node, found in answers.items()
        if isinstance(found, probe.NodeReport)
    ]
    findings = silent(NAME, answers)
    for judge in node_checks.JUDGES:
        findings += [found for case in cases for found in judge(case)]
    findings += [found for case in cases for found in gpu_checks.judge(case, torch.version.cuda)]
    return findings + gpu_checks.compare(cases)


def enough(cluster: Cluster) -> list[Finding]:
    """Room in Ray's eyes for the nodes that train and those that only generate."""
    nnodes, gpus = hardware.nodes(cluster.config), cluster.config.trainer.n_gpus_per_node
    there = usable(cluster.raw, gpus)
    room = places(cluster.raw, gpus)
    if room < nnodes:
        short = ", ".join(f"{node.name} has {node.gpus}" for node in cluster.nodes if node.gpus < gpus)
        what = f"{len(there)} node(s) with {gpus} GPU(s), the training needs {nnodes}" + (f"; {short}" if short else "")
        cure = "Start the missing nodes, or write a smaller trainer.nnodes or trainer.n_gpus_per_node."
        return [failure(ENOUGH, what, cure, "cluster")]
    more = "" if len(there) == room == nnodes else f"; room for {room}, the training needs {nnodes}"
    return [ok(ENOUGH, f"{len(there)} with {gpus} GPU(s) or more{more}", "cluster")]
