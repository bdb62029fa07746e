"""Launch: `python -m recipes.launch <command> [options] [Hydra overrides of recipes.train]`.

    local        one node; the training starts its own Ray                                (scripts/train.sh)
    slurm        on every node of a Slurm job, under srun                                 (scripts/slurm/train.sbatch)
    head         on the first node, by hand:  head --nodes 4 --job-folder <shared> [overrides]
    worker       on each further node:        worker --rank 1 --job-folder <shared>
    submit       hand the training to an existing Ray cluster                             (scripts/ray/submit.sh)
    join         inside such a cluster: wait for its nodes and train                      (scripts/k8s/rayjob.yaml)

RLVR_BASE_PORT (20000), RLVR_NODE_TIMEOUT (600 s), RLVR_NODE_ADDRESS and RLVR_JOB_FOLDER are read on every node.
Exit codes: those of recipes.train (0 done, 1 failed, 2 bad input, 130 interrupted); 2 also if a node is missing.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.launch import roles, slurm, submit
from recipes.launch.job_folder import JobFolder
from recipes.launch.ports import DEFAULT_BASE, Ports


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recipes.launch", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("local", "slurm", "join"):
        commands.add_parser(name, add_help=False, prefix_chars="\0")  # every word belongs to recipes.train
    for name in ("head", "worker"):
        node = commands.add_parser(name, allow_abbrev=False)
        node.add_argument("--job-folder", type=Path, required=True, help="new, on a file system all nodes share")
        if name == "head":
            node.add_argument("--nodes", default="", help="names of all nodes, comma-separated, this one first")
        else:
            node.add_argument("--rank", type=int, required=True, help="1, 2, …: its place in the head's --nodes")
    submitting = commands.add_parser("submit", allow_abbrev=False)
    submitting.add_argument(
        "--print", action="store_true", help="print the command and the variables' names; send nothing"
    )
    return parser


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, str(default))
    if not text.isdigit():
        raise UserError(f"{variable}={text}: write a whole number.")
    return int(text)


def _place(rank: int, hosts: list[str], folder: Path) -> roles.Place:
    ports = Ports(_number("RLVR_BASE_PORT", DEFAULT_BASE))
    return roles.Place(rank, hosts, JobFolder(folder.absolute()), ports, _number("RLVR_NODE_TIMEOUT", 600))


def _slurm(overrides: list[str]) -> int:
    job = slurm.job(os.environ)
    place = _place(job.rank, job.hosts, Path(os.environ.get("RLVR_JOB_FOLDER", "outputs/.launch")) / job.name)
    place = replace(place, address_of=slurm.address)
    return roles.head(place, slurm.overrides(job, overrides)) if job.rank == 0 else roles.worker(place)


def run(words: list[str]) -> int:
    """Do what the command line says; return the exit code.

    Raises:
        UserError: bad input, or a node that did not come.
    """
    options, overrides = _parser().parse_known_args(words)
    if options.command == "local":
        return roles.local(overrides)
    if options.command == "slurm":
        return _slurm(overrides)
    if options.command == "join":
        return roles.join(overrides, _number("RLVR_NODE_TIMEOUT", 600))
    if options.command == "submit":
        return submit.submit(overrides, show_only=options.print)
    if options.command == "head":
        return roles.head(_place(0, [name for name in options.nodes.split(",") if name], options.job_folder), overrides)
    return roles.worker(_place(options.rank, [], options.job_folder))


def main() -> None:
    """Command line."""
    with command("Interrupted."):
        sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
