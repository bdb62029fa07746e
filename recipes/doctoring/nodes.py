"""Ask every node about itself and judge the answers."""

import torch

from recipes import manifest, plugin, preflight
from recipes.doctoring import gpu_checks, node_checks, probe
from recipes.doctoring.cluster import Cluster, silent
from recipes.doctoring.finding import Finding
from recipes.doctoring.node_checks import Case

NAME = "node report"


def check(cluster: Cluster) -> list[Finding]:
    """One Ray task per node; its answer goes through every judge."""
    question = node_checks.question_of(cluster.config)
    answers = cluster.ask(probe.report, question)
    plugin.check()  # on a CPU it also answers for the version of vLLM, as it does on the nodes
    versions, files = manifest.versions(), probe.sizes(question.files)
    count, one = preflight.checkpoint_room(cluster.config)  # once: for a hub id it asks the hub
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
