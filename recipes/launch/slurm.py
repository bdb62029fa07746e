"""What Slurm says about this job, read from its variables."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from shutil import which

from recipes.common.errors import UserError
from recipes.common.numbers import parsed_integer

_START = "start this through `sbatch scripts/slurm/train.sbatch`"


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
        plain = re.fullmatch(r"([^\[]+)(?:\[(\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)\])?", item)
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
        if not environment.get(variable):
            raise UserError(f"{variable} is not set: {_START}.")
    rank, tasks = _number(environment, "SLURM_PROCID"), _number(environment, "SLURM_NTASKS")
    restarts = _number(environment, "SLURM_RESTART_COUNT") if environment.get("SLURM_RESTART_COUNT") else 0
    array_task = _number(environment, "SLURM_ARRAY_TASK_ID") if environment.get("SLURM_ARRAY_TASK_ID") else None
    hosts = expand(environment["SLURM_JOB_NODELIST"])
    if tasks != len(hosts):
        raise UserError(
            f"{tasks} tasks on {len(hosts)} nodes: one launcher per node is needed. "
            "Leave out --ntasks, and keep --ntasks-per-node=1."
        )
    return SlurmJob(
        name=f"slurm-{environment['SLURM_JOB_ID']}.{restarts}",
        rank=rank,
        hosts=hosts,
        array_task=array_task,
        restarts=restarts,
    )


def _number(environment: Mapping[str, str], variable: str) -> int:
    if (number := parsed_integer(environment[variable])) is None:
        raise UserError(f"{variable}={environment[variable]}: Slurm sets a whole number. Unset it, and {_START}.")
    return number


def overrides(job: SlurmJob, given: list[str]) -> list[str]:
    """The Hydra overrides of this attempt: an array task's seed, and no second restart from zero."""
    words = list(given)
    if job.array_task is not None and "seed" not in map(_key, words):
        words.append(f"seed={job.array_task}")
    if job.restarts:  # its first attempt has moved the old run
        words = ["on_existing=continue" if _key(word) == "on_existing" else word for word in words]
    return words


def _key(word: str) -> str:
    """`++seed=1` sets the seed, too."""
    return word.lstrip("+").partition("=")[0]
