"""Ray's processes on this node: started under this process, and ended with it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from recipes.common import private_ray, processes
from recipes.launch import child
from recipes.launch.job_folder import Head
from recipes.launch.ports import Ports


def start_command(head: Head, address: str, ports: Ports, is_head: bool, temporary: Path) -> list[str]:
    """The `ray start` of one node. --block: it stays in the foreground and ends when one of Ray's processes dies."""
    options: dict[str, object] = {"node-ip-address": address, **ports.of_node()}
    if is_head:
        # Without the dashboard nothing takes jobs over HTTP; --dashboard-host matters if someone switches it on.
        options |= {**ports.of_head(), "include-dashboard": "false", "dashboard-host": "127.0.0.1"}
        options["temp-dir"] = temporary
    else:
        options |= {"address": f"{head.address}:{Ports(head.base_port).gcs}", "temp-dir": temporary}
    if head.num_cpus is not None:
        options["num-cpus"] = head.num_cpus
    if head.num_gpus is not None:
        options["num-gpus"] = head.num_gpus
    words = [*child.command("ray.scripts.scripts"), "start", "--block", "--disable-usage-stats"]
    words += ["--head"] if is_head else []
    return words + [f"--{name}={value}" for name, value in options.items()]


def network(address: str) -> dict[str, str]:
    """Keeps vLLM, Gloo and NCCL on the nodes' network; by themselves they may choose a public one.

    Args:
        address: this node's own.
    """
    named = {one.address: name for name, found in psutil.net_if_addrs().items() for one in found}
    interface = named.get(address)
    chosen = {"VLLM_HOST_IP": address}
    return chosen | ({"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": interface} if interface else {})


@contextmanager
def ray_node(head: Head, address: str, ports: Ports, is_head: bool, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start Ray on this node; at the end of the block its processes and its temporary files go.

    Every process below this one ends then, and no other: the caller has to have called processes.adopt_orphans.

    Args:
        head: what the job's workers offer.
        address: this node's own.
        ports: this node's own.
        is_head: whether this node is the head.
        log: gets what `ray start` prints.
    """
    temporary = Path(tempfile.mkdtemp(prefix="rlvr-", dir=private_ray.temporary_root()))
    command = start_command(head, address, ports, is_head, temporary)
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**network(address), **os.environ, **ports.environment(), "RAY_TMPDIR": str(temporary)},
            start_new_session=True,  # Ctrl-C is for the launcher, which ends Ray after the training
        )
    try:
        yield process
    finally:
        processes.ignore_interrupts()
        processes.end_descendants()
        _keep_logs(temporary, log)
        shutil.rmtree(temporary, ignore_errors=True)


def _keep_logs(temporary: Path, log: Path) -> None:
    """Ray's own logs say why a node died; they stay beside ours."""
    for logs in temporary.glob("session_2*/logs"):
        shutil.copytree(logs, log.with_suffix(".ray"), dirs_exist_ok=True, ignore_dangling_symlinks=True)
