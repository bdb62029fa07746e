"""Launch: `python -m recipes.launch <command> [options] [Hydra overrides of recipes.train]`.

    local        one node; the training starts its own Ray                                (scripts/train.sh)
    slurm        on every node of a Slurm job, under srun                                 (scripts/slurm/train.sbatch)
    head         on the first node, by hand:  head --nodes gpu0,gpu1 --job-folder <shared> [overrides]
    worker       on each further node:        worker --rank 1 --job-folder <shared>
    submit       hand the training to an existing Ray cluster                             (scripts/ray/submit.sh)
    join         inside such a cluster: wait for its nodes and train                      (scripts/k8s/rayjob.yaml)

RLVR_BASE_PORT (20000), RLVR_NODE_TIMEOUT (600 s), RLVR_NODE_ADDRESS and RLVR_JOB_FOLDER are read on every node; one
that is set to nothing is as not set.
Exit codes: those of recipes.train (0 done, 1 failed, 2 bad input, 130 interrupted); 2 also if a node is missing.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.numbers import parsed_integer
from recipes.common.paths import given_path
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
        node.add_argument("--job-folder", type=given_path, required=True, help="new, on a file system all nodes share")
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
    text = os.environ.get(variable) or str(default)
    if not (number := parsed_integer(text)):
        raise UserError(f"{variable}={text}: must be a whole number above 0. Write {variable}={default}.")
    return number


def _place(rank: int, hosts: list[str], folder: Path) -> roles.Place:
    ports = Ports(_number("RLVR_BASE_PORT", DEFAULT_BASE))
    return roles.Place(rank, hosts, JobFolder(folder.absolute()), ports, _number("RLVR_NODE_TIMEOUT", 600))


def _slurm(overrides: list[str]) -> int:
    job = slurm.job(os.environ)
    place = _place(job.rank, job.hosts, Path(os.environ.get("RLVR_JOB_FOLDER") or "outputs/.launch") / job.name)
    place = replace(place, address_of=slurm.address)
    return roles.head(place, slurm.overrides(job, overrides)) if job.rank == 0 else roles.worker(place)


def _head(options: argparse.Namespace, overrides: list[str]) -> int:
    names = [name for name in options.nodes.split(",") if name]
    if options.nodes.isdecimal():
        raise UserError(f"--nodes={options.nodes}: are the nodes' names. Write them all, as --nodes=gpu0,gpu1.")
    return roles.head(_place(0, names, options.job_folder), overrides)


def _worker(options: argparse.Namespace, overrides: list[str]) -> int:
    if options.rank < 1:
        raise UserError(f"--rank={options.rank}: is not a worker's, the head has 0. Write --rank=1, 2, … by --nodes.")
    if overrides:
        raise UserError(f"{overrides[0]}: a worker does what the head is told. Write it there, and leave it out here.")
    return roles.worker(_place(options.rank, [], options.job_folder))


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
    return _head(options, overrides) if options.command == "head" else _worker(options, overrides)


def main() -> None:
    """Command line."""
    with command("Interrupted."):
        sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
