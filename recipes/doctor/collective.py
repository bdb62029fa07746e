"""A small all-reduce over one process per GPU of every node: can NCCL (on a CPU gloo) reach all of them?

The processes meet in a TCP store on the driver. Each signs in there before it waits for the others, so that one which
never started can be told from one that can't be reached.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from recipes.doctor.check import described
from recipes.doctor.cluster import Cluster, Node, answer, pinned
from recipes.doctor.finding import Finding, failure, ok

NAME = "all-reduce"
BACKENDS = {"cuda": "nccl", "cpu": "gloo"}  # by hardware.device
# Seconds for a process to start, and for every step of the communication: the first connection of many GPUs over NCCL
# takes far longer than what follows.
START, TALK = 180.0, 120.0
NUMBERS = 2**18  # 1 MiB of float32


@dataclass(frozen=True)
class Meeting:
    """What a process has to know.

    Attributes:
        address, port: of the store on the driver.
        world: number of processes.
        device: cuda or cpu.
        start, talk: timeouts, seconds.
    """

    address: str
    port: int
    world: int
    device: str
    start: float = START
    talk: float = TALK


@dataclass(frozen=True)
class Sum:
    """What one process got: the smallest and largest number of the reduced vector, and the duration in seconds."""

    low: float
    high: float
    seconds: float


def take_part(meeting: Meeting, rank: int) -> Sum:
    """In a Ray task on a node: join the group and sum 1 + … + world.

    Raises:
        RuntimeError: the store, or a process of the group, can't be reached in time.
    """
    import torch
    import torch.distributed as dist

    store = dist.TCPStore(meeting.address, meeting.port, is_master=False, timeout=timedelta(seconds=meeting.talk))
    store.set(f"here-{rank}", "")
    store.wait(["all"], timedelta(seconds=meeting.start))
    dist.init_process_group(
        BACKENDS[meeting.device],
        store=dist.PrefixStore("group", store),
        rank=rank,
        world_size=meeting.world,
        timeout=timedelta(seconds=meeting.talk),
    )
    try:
        for _ in range(2):  # the first one connects
            vector = torch.full((NUMBERS,), float(rank + 1), device=meeting.device)
            begun = time.perf_counter()
            dist.all_reduce(vector)
            low, high = vector.min().item(), vector.max().item()  # waits for the GPU
        return Sum(low, high, time.perf_counter() - begun)
    finally:
        dist.destroy_process_group()


def total(world: int) -> int:
    """1 + … + world; exact in float32 up to 5,792 processes."""
    return world * (world + 1) // 2


def judge(results: Sequence[tuple[Node, Any]], backend: str) -> list[Finding]:
    """One finding if all is well, else one per node.

    Args:
        results: by rank: the node, and its Sum or the exception it ended with.
        backend: nccl or gloo.
    """
    world = len(results)
    wrong: dict[Node, str] = {}
    for rank, (node, found) in enumerate(results):
        if isinstance(found, Exception):
            wrong.setdefault(node, f"process {rank}: {described(found)}")
        elif not found.low == found.high == total(world):
            wrong.setdefault(node, f"process {rank} got {found.low:g} … {found.high:g}, not {total(world)}")
    if wrong:
        cure = (
            "Open all ports between the nodes, name their private interface with NCCL_SOCKET_IFNAME and "
            "GLOO_SOCKET_IFNAME, and see what NCCL_DEBUG=INFO says in that node's Ray logs."
        )
        return [failure(NAME, f"{backend}: {what}", cure, node.name) for node, what in wrong.items()]
    nodes = len({node for node, _ in results})
    slowest = max(found.seconds for _, found in results)
    what = (
        f"{backend}: {world} process(es) on {nodes} node(s) agree on {total(world)}; 1 MiB in {1000 * slowest:.1f} ms"
    )
    return [ok(NAME, what, "cluster")]


def check(cluster: Cluster, start: float = START, talk: float = TALK) -> list[Finding]:
    """One process per GPU, each pinned to its node.

    Args:
        cluster: its nodes' GPUs are logical ones on a CPU.
        start: seconds for a process to start.
        talk: seconds for each step of the communication.
    """
    import ray
    import torch.distributed as dist

    places = [node for node in cluster.nodes for _ in range(node.gpus)]
    device = cluster.config.hardware.device
    if not places:
        return [failure(NAME, "no node offers a GPU", "Start nodes with GPUs.", "cluster")]
    store = dist.TCPStore(cluster.driver, 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=talk))
    meeting = Meeting(cluster.driver, store.port, len(places), device, start, talk)
    # max_calls=1: the process ends with its task and gives the GPU's memory back.
    task = ray.remote(num_cpus=0, num_gpus=1, max_retries=0, max_calls=1)(take_part)
    calls = [task.options(**pinned(node)).remote(meeting, rank) for rank, node in enumerate(places)]
    missing = _gather(store, calls, start)
    if not missing:
        store.set("all", "")
        ray.wait(calls, num_returns=len(calls), timeout=4 * talk)
    # What still runs ends with this driver's job. ray.cancel would race with tasks that are just ending, and then Ray's
    # own check of submissible_tasks_ kills this process (seen with Ray 2.60; ray-project/ray#54798 describes the race).
    return _results(places, calls, missing, meeting)


def _gather(store: Any, calls: list[Any], start: float) -> set[int]:
    """Wait until all have signed in, one has ended, or time is up; return the ranks that are not there."""
    import ray

    deadline = time.monotonic() + start
    while missing := {rank for rank in range(len(calls)) if not store.check([f"here-{rank}"])}:
        ended, _ = ray.wait(calls, timeout=0.2)
        if ended or time.monotonic() > deadline:
            break
    return missing


def _results(places: list[Node], calls: list[Any], missing: set[int], meeting: Meeting) -> list[Finding]:
    import ray

    ended, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
    backend = BACKENDS[meeting.device]
    if not missing:
        late = TimeoutError(f"no result after {4 * meeting.talk:.0f} s")
        found = [answer(call) if call in ended else late for call in calls]
        return judge(list(zip(places, found, strict=True)), backend)
    cure = "Are the GPUs of that node taken by another job, and does it reach the driver's ports 32768 to 60999?"
    failed = {rank: answer(call) for rank, call in enumerate(calls) if call in ended}
    # Where one has ended at once, the others were not given time to start and are not to blame.
    blamed = failed or {rank: TimeoutError(f"no process began within {meeting.start:.0f} s") for rank in missing}
    named = {places[rank]: f"process {rank}: {described(error)}" for rank, error in blamed.items()}
    return [failure(NAME, f"{backend}: {what}", cure, node.name) for node, what in named.items()]
