"""What Slurm says about this job, read from its variables."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from shutil import which

from recipes.common.errors import UserError


@dataclass(frozen=True)
class SlurmJob:
    """One job, seen from one of its tasks."""

    name: str  # <job id>.<restart count>: a requeued job keeps its id
    rank: int
    hosts: list[str]
    array_task: int | None
    restarts: int


def expand(node_list: str) -> list[str]:
    """`gpu[01-03,7],login` → host names; by scontrol, and without one for the plain forms.

    Raises:
        UserError: there is no scontrol, and the list has several brackets in one name.
    """
    if which("scontrol"):
        command = ["scontrol", "show", "hostnames", node_list]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 0:  # it fails inside a container that lacks the cluster's slurm.conf
            return result.stdout.split()
    names: list[str] = []
    for item in re.findall(r"[^,\[]+(?:\[[^\]]*\][^,]*)?", node_list):
        plain = re.fullmatch(r"([^\[]+)(?:\[([\d,-]+)\])?", item)
        if not plain:
            raise UserError(f"SLURM_JOB_NODELIST={node_list} needs `scontrol`, which does not work here.")
        prefix, ranges = plain.groups()
        names += [prefix + number for number in _numbers(ranges)] if ranges else [item]
    return names


def address(host: str) -> str:
    """NodeAddr of a node, which Slurm itself goes by: its name need not resolve. The name without a scontrol."""
    if which("scontrol"):
        result = subprocess.run(["scontrol", "show", "node", host], capture_output=True, text=True)
        found = re.search(r"\bNodeAddr=(\S+)", result.stdout)
        if found:
            return found.group(1)
    return host


def _numbers(ranges: str) -> list[str]:
    """`01-03,7` → 01, 02, 03, 7."""
    numbers: list[str] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        numbers += [f"{number:0{len(first)}d}" for number in range(int(first), int(last or first) + 1)]
    return numbers


def job(environment: Mapping[str, str]) -> SlurmJob:
    """This task's job.

    Raises:
        UserError: not called by srun.
    """
    for variable in ("SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_PROCID", "SLURM_NTASKS"):
        if variable not in environment:
            raise UserError(f"{variable} is not set: start this through `sbatch scripts/slurm/train.sbatch`.")
    hosts = expand(environment["SLURM_JOB_NODELIST"])
    if int(environment["SLURM_NTASKS"]) != len(hosts):
        raise UserError(
            f"{environment['SLURM_NTASKS']} tasks on {len(hosts)} nodes: one launcher per node is needed. "
            "Leave out --ntasks, and keep --ntasks-per-node=1."
        )
    restarts = int(environment.get("SLURM_RESTART_COUNT", 0))
    array_task = environment.get("SLURM_ARRAY_TASK_ID")
    return SlurmJob(
        name=f"slurm-{environment['SLURM_JOB_ID']}.{restarts}",
        rank=int(environment["SLURM_PROCID"]),
        hosts=hosts,
        array_task=None if array_task is None else int(array_task),
        restarts=restarts,
    )


def overrides(job: SlurmJob, given: list[str]) -> list[str]:
    """The Hydra overrides of this attempt: an array task's seed, and no second restart from zero."""
    words = list(given)
    if job.array_task is not None and not any(word.startswith("seed=") for word in words):
        words.append(f"seed={job.array_task}")
    if job.restarts and "on_existing=restart" in words:
        words[words.index("on_existing=restart")] = "on_existing=continue"  # its first attempt has moved the old run
    return words
