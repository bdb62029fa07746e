"""What a launcher does on each kind of node; each function returns the exit code of its process."""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from recipes.common import private_ray, processes
from recipes.common.errors import Failure, UserError
from recipes.launch import training
from recipes.launch.address import node_address
from recipes.launch.job_folder import Head, JobFolder, Node, wait_until
from recipes.launch.ports import Ports
from recipes.launch.ray_node import ray_node
from recipes.launch.waiting import wait_for_nodes

# A worker that is asked to stop first gives the training this long to save and end: Ray must outlive it.
STOP_GRACE = 600.0


@dataclass(frozen=True)
class Place:
    """One node of a job."""

    rank: int
    hosts: list[str]  # by rank; empty if unknown
    folder: JobFolder
    ports: Ports
    timeout: float
    address_of: Callable[[str], str] = str  # of a host; some networks do not resolve the names of nodes

    @property
    def log(self) -> Path:
        """What this node's `ray start` prints."""
        return self.folder.path / f"ray-{self.rank}.log"

    def peer(self) -> str | None:
        """Some other node, to find out which address leads there."""
        others = [host for rank, host in enumerate(self.hosts) if rank != self.rank]
        return self.address_of(others[0]) if others else None


def say(message: str) -> None:
    """A line for the person, beside what the training prints."""
    print(f"[launch] {message}", file=sys.stderr, flush=True)


def local(overrides: list[str]) -> int:
    """One node: the training starts its own Ray, with a token of its own."""
    stop = training.StopRequest()
    stop.install()
    with private_ray.private_ray():
        return training.train(overrides, {}, stop)


def head(place: Place, overrides: list[str]) -> int:
    """Start the head, wait for the workers, train, and tell them when it is over."""
    stop = training.StopRequest()
    stop.install()
    processes.adopt_orphans()
    place.folder.create()
    code = 2
    try:
        code = _head(place, overrides, stop)
    except _Stopped:
        code = 130
    finally:
        place.folder.end(code)
    return code


def _head(place: Place, overrides: list[str], stop: training.StopRequest) -> int:
    private_ray.new_token(place.folder.token)
    private_ray.use(place.folder.token)  # before anything imports Ray: it reads its environment then, and only then
    size = training.size_of(overrides)
    if place.hosts and len(place.hosts) != size.nnodes:
        raise UserError(
            f"trainer.nnodes={size.nnodes}, but this job has {len(place.hosts)} node(s): "
            f"write trainer.nnodes={len(place.hosts)}, or ask for {size.nnodes} node(s)."
        )
    address = node_address(place.peer())
    gpus = size.gpus_per_node if size.device == "cpu" else None  # real GPUs are counted by Ray
    offer = Head(address, place.ports.base, size.num_cpus, gpus)
    place.folder.sign_in(Node(place.rank, socket.gethostname(), address))
    with ray_node(offer, address, place.ports, is_head=True, log=place.log) as process:
        target = f"{address}:{place.ports.gcs}"
        _connected(target, place, lambda: _check(process, place, stop))
        place.folder.announce(offer)
        say(f"Ray head at {target}; waiting for {size.nnodes} node(s), at most {place.timeout:.0f} s")
        there = _counted(target, size, place, stop, lambda: _check(process, place, stop))
        say(f"{len(there)} node(s): " + ", ".join(sorted(there.values())))
        return training.train(overrides, cluster_environment(target), stop)


def cluster_environment(address: str) -> dict[str, str]:
    """Makes recipes.train join the cluster at `address`, whatever its hardware preset says about a local one."""
    return {"RAY_ADDRESS": address, "RLVR_JOIN_CLUSTER": "1"}


class _Stopped(Exception):
    """A signal arrived before the training had begun."""


def _check(process: "Popen[bytes]", place: Place, stop: training.StopRequest) -> None:
    _check_signals(stop)
    if process.poll() is not None:
        raise UserError(f"Ray did not start on {socket.gethostname()}; see {place.log}. {_last_line(place.log)}")


def _check_signals(stop: training.StopRequest) -> None:
    if stop.received:
        raise _Stopped


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if "Error" in line]
    return f"It says: {lines[-1][:300]}" if lines else ""


def _connected(target: str, place: Place, check: Callable[[], None]) -> None:
    """Wait until the head takes connections."""
    host, port = target.rsplit(":", 1)

    def open_() -> bool:
        check()
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((host, int(port))) == 0

    if not wait_until(open_, time.monotonic() + place.timeout):
        raise UserError(f"Ray's head does not listen at {target} after {place.timeout:.0f} s; see {place.log}.")


def _counted(
    target: str, size: training.Size, place: Place, stop: training.StopRequest, check: Callable[[], None]
) -> dict[str, str]:
    with _connection(target, stop):
        return wait_for_nodes(size.nnodes, size.gpus_per_node, place.timeout, place.folder, place.hosts, check)


@contextmanager
def _connection(address: str, stop: training.StopRequest) -> Iterator[None]:
    """Connected to the cluster at `address`, and still listening to signals."""
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:  # the latter of an address that is none
        raise UserError(
            f"No Ray cluster answers at {address}, or it has the token of another job ({error})."
        ) from error
    try:
        stop.install()
        yield
    finally:
        ray.shutdown()
        stop.install()


def worker(place: Place) -> int:
    """Join the head's cluster and stay until the head says that it is over."""
    stop = training.StopRequest()
    stop.install()
    processes.adopt_orphans()
    deadline = time.monotonic() + place.timeout
    over = place.folder.ended
    wait_until(lambda: bool(place.folder.head() or over() or stop.received), deadline)
    head = place.folder.head()
    if over() or stop.received:
        return 0 if over() else 130
    if head is None:
        raise UserError(
            f"{place.folder.path}/head.json has not appeared within {place.timeout:.0f} s: either the head did not "
            "start (see its output), or --job-folder is not on a file system that all nodes share."
        )
    address = node_address(head.address)
    ports = place.ports.on_same_machine(place.rank) if address == head.address else place.ports
    place.folder.close_to_others()
    private_ray.use(place.folder.token)
    place.folder.sign_in(Node(place.rank, socket.gethostname(), address))
    with ray_node(head, address, ports, is_head=False, log=place.log) as process:
        return _stay(process, place, stop)


def _stay(process: "Popen[bytes]", place: Place, stop: training.StopRequest) -> int:
    """Until the end, a signal, or the death of Ray on this node."""
    wait_until(lambda: bool(place.folder.ended() or stop.received or process.poll() is not None), float("inf"))
    if stop.received:
        wait_until(lambda: place.folder.ended() or process.poll() is not None, time.monotonic() + STOP_GRACE)
    if place.folder.ended():
        return 0
    if stop.received:
        return 130
    raise Failure(f"Ray died on {socket.gethostname()}; see {place.log}. {_last_line(place.log)}")


def join(overrides: list[str], timeout: float) -> int:
    """Train on a cluster that somebody else started and that RAY_ADDRESS names (`ray job submit` sets it)."""
    if not (address := os.environ.get("RAY_ADDRESS")):
        raise UserError("RAY_ADDRESS is not set: submit through scripts/ray/submit.sh, or set it to the cluster's.")
    stop = training.StopRequest()
    stop.install()
    size = training.size_of(overrides)
    try:
        with _connection(address, stop):
            wait_for_nodes(size.nnodes, size.gpus_per_node, timeout, check=lambda: _check_signals(stop))
    except _Stopped:
        return 130
    return training.train(overrides, cluster_environment(address), stop)
