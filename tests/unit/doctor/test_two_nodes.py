"""The doctor on two real Ray nodes of this machine, one of which sees another folder where the runs go to."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.launch.ports import BLOCK

# What the launcher runs in place of recipes.train: the doctor, and then the all-reduce while a GPU is taken.
pytestmark = pytest.mark.xdist_group("ray")  # ports, and memory
DOCTOR = """
import json, os, sys
from recipes.doctor import __main__ as doctor
from recipes.config.compose import compose
from recipes.doctor import cluster, collective

def hold():
    import time
    time.sleep(600)

code = doctor.main(["--json", *sys.argv[1:]])
with cluster.connected(compose(sys.argv[1:])) as joined:
    import ray
    taken = joined.nodes[1]
    holder = ray.remote(num_gpus=1)(hold).options(**cluster.pinned(taken)).remote()
    while ray.available_resources().get("GPU", 0) > 1:
        pass
    found = collective.check(joined, start=20)
print("\\n" + json.dumps({"taken": taken.name, "found": [one.as_json() for one in found]}))
sys.exit(code)
"""
HIDE = 'mount -t tmpfs none "$0" && exec "$@"'  # in a mount namespace of its own


def can_hide() -> bool:
    """Whether this user may give a process another view of the file system."""
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


def free_base() -> int:
    """The first of two blocks of ports nobody listens in."""
    for base in range(32000 - 2 * BLOCK, 22000, -2 * BLOCK):
        ports = (*range(base, base + 11), *range(base + BLOCK, base + BLOCK + 11))
        if all(not _listening(port) for port in ports):
            return base
    pytest.skip("no free block of ports")


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def launch_environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Of the two launchers."""
    (tmp_path / "stand_in_doctor.py").write_text(DOCTOR)
    return {
        **environment,
        "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(tmp_path)]),
        "RLVR_TRAIN_MODULE": "stand_in_doctor",
        "RLVR_BASE_PORT": str(free_base()),
        "RLVR_NODE_TIMEOUT": "120",
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not can_hide(), reason="needs user and mount namespaces (unshare --map-root-user --mount)")
def test_two_nodes_one_of_them_without_the_shared_folder(inputs, launch_environment, tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "recipes.launch"]
    hidden = ["unshare", "--map-root-user", "--mount", "sh", "-c", HIDE, str(tmp_path / "shared"), *launcher]
    common = {"cwd": tmp_path, "env": launch_environment, "text": True}
    worker = subprocess.Popen([*hidden, "worker", "--rank=1", "--job-folder=job"], **common)  # type: ignore[call-overload]
    hosts = f"{socket.gethostname()},127.0.0.1"
    head = subprocess.run(
        [*launcher, "head", f"--nodes={hosts}", "--job-folder=job", *inputs, "trainer.nnodes=2"],
        capture_output=True,
        timeout=540,
        **common,  # type: ignore[call-overload]
    )
    print(head.stdout, head.stderr)
    assert (head.returncode, worker.wait(timeout=60)) == (1, 0)

    text, _, last = head.stdout.strip().rpartition("\n")
    by_check: dict[str, list[dict[str, str]]] = {}
    for found in json.loads(text)["findings"]:
        by_check.setdefault(found["check"], []).append(found)
    assert by_check["nodes"][0]["what"].startswith("2 with 1 GPU(s)")
    (reduced,) = by_check["all-reduce"]
    assert reduced["status"] == "ok" and "gloo: 2 process(es) on 2 node(s) agree on 3" in reduced["what"]
    assert [one["status"] for one in by_check["clock"]] == ["ok", "ok"]
    # The only failure is the folder, on one node; which of the two is Ray's to order.
    failures = [found for some in by_check.values() for found in some if found["status"] == "failure"]
    assert [found["check"] for found in failures] == ["shared folder"]
    assert f"{socket.gethostname()}:{int(launch_environment['RLVR_BASE_PORT']) + BLOCK + 3}" == failures[0]["where"]
    assert not list((tmp_path / "shared").iterdir()), "what the doctor wrote is removed"

    blocked = json.loads(last)
    assert {found["where"] for found in blocked["found"]} == {blocked["taken"]}
    assert blocked["found"][0]["status"] == "failure" and "no process began" in blocked["found"][0]["what"]
