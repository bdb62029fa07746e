"""Real Ray nodes on this machine: they meet, the exit code comes back, and nothing is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from recipes.launch.ports import BLOCK

pytestmark = pytest.mark.xdist_group("ray")  # ports, and memory
ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 180.0  # seconds; the machine may be busy
TRAINING = """
import os, pathlib, signal, sys, time
import ray
ray.init(log_to_driver=False)  # RAY_ADDRESS, and the token
print("nodes", sum(node["Alive"] for node in ray.nodes()), sys.argv[1:], flush=True)
def stop(number, frame):
    print("saved", flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(os.environ["MARK"]).touch()
time.sleep(500)
"""
Launch = Callable[..., "subprocess.Popen[str]"]


def free_base() -> int:
    """The first of two blocks nobody listens in (the ports that Ray fixes, at least)."""
    for base in range(22000, 32000, 2 * BLOCK):
        for port in (*range(base, base + 11), *range(base + BLOCK, base + BLOCK + 11)):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        else:
            return base
    pytest.skip("no free block of ports")


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start a launcher whose training is TRAINING; at the end, no process with this test's mark may be left."""
    (tmp_path / "stand_in_training.py").write_text(TRAINING)
    mark = str(tmp_path / "started")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))},
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        "RLVR_TRAIN_MODULE": "stand_in_training",
        "RLVR_BASE_PORT": str(free_base()),
        "RLVR_NODE_TIMEOUT": f"{PATIENCE:.0f}",
        "MARK": mark,
    }
    started = []

    def start(*words: str, **more: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "recipes.launch", *words]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, cwd=tmp_path, env={**environment, **more}, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    left = [process for process in psutil.process_iter() if _marked(process, mark)]
    for process in left:
        process.kill()
    assert not left, f"still running: {left}"


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def two_nodes(launch: Launch, *overrides: str) -> tuple["subprocess.Popen[str]", "subprocess.Popen[str]"]:
    worker = launch("worker", "--rank=1", "--job-folder=job")
    head = launch("head", f"--nodes={socket.gethostname()},127.0.0.1", "--job-folder=job", *overrides)
    return head, worker


def wait_for_training(tmp_path: Path, head: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "started").exists() and time.monotonic() < deadline and head.poll() is None:
        time.sleep(0.2)


@pytest.mark.timeout(600)
# SIGUSR1 is Slurm's warning, SIGTERM the end of a job; srun sends both to every node. With proctrack/linuxproc the
# warning reaches every process of the step, Ray's too.
@pytest.mark.parametrize("number", [signal.SIGUSR1, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_two_nodes_meet_and_a_signal_ends_the_training_before_ray(
    launch: Launch, tmp_path: Path, number: signal.Signals
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(590)"])
    head, worker = two_nodes(launch, "trainer.nnodes=2", "seed=9")
    wait_for_training(tmp_path, head)
    for launcher in (worker, head):
        below = psutil.Process(launcher.pid).children(recursive=True) if number is signal.SIGUSR1 else []
        for process in (*below, launcher):
            process.send_signal(number)
    output, _ = head.communicate(timeout=PATIENCE)
    assert "nodes 2 ['trainer.nnodes=2', 'seed=9']" in output and "saved" in output, output
    assert head.returncode == 130 and worker.wait(timeout=PATIENCE) == 0
    assert not (tmp_path / "job" / "token").exists()
    assert stranger.poll() is None, "somebody else's process"
    stranger.kill()
    stranger.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_launcher_leaves_nothing(launch: Launch, tmp_path: Path) -> None:
    head = launch("head", "--nodes=localhost", "--job-folder=job", "trainer.nnodes=1")
    wait_for_training(tmp_path, head)
    head.kill()
    head.wait()
    deadline = time.monotonic() + PATIENCE
    mark = str(tmp_path / "started")
    while (left := [one for one in psutil.process_iter() if _marked(one, mark)]) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left


@pytest.mark.timeout(400)
def test_a_missing_node_is_named(launch: Launch) -> None:
    hosts = f"{socket.gethostname()},node-that-never-comes"
    address = {"RLVR_NODE_ADDRESS": _own_address(), "RLVR_NODE_TIMEOUT": "20"}
    head = launch("head", f"--nodes={hosts}", "--job-folder=job", "trainer.nnodes=2", **address)
    output, _ = head.communicate(timeout=PATIENCE)
    assert head.returncode == 2
    assert "trainer.nnodes=2" in output and "node-that-never-comes: its launcher has not started" in output, output


def _own_address() -> str:
    from recipes.launch.address import node_address

    return node_address(None)


def test_the_wrong_number_of_nodes_is_refused_before_ray_starts(launch: Launch, tmp_path: Path) -> None:
    head = launch("head", "--nodes=a,b,c,d", "--job-folder=job", "trainer.nnodes=2")
    output, _ = head.communicate(timeout=PATIENCE)
    assert head.returncode == 2 and "trainer.nnodes=4" in output, output
    assert not list((tmp_path / "job").glob("ray-*"))
    worker = launch("worker", "--rank=1", "--job-folder=job")
    assert worker.wait(timeout=PATIENCE) == 0, "the workers hear of it"


def test_one_node_gets_a_token_of_its_own_and_the_exit_code_comes_back(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "stand_in_training.py").write_text(
        "import os, sys\npath = os.environ['RAY_AUTH_TOKEN_PATH']\n"
        "print(oct(os.stat(path).st_mode & 0o777), os.environ['RAY_AUTH_MODE'], path, sys.argv[1:])\n"
        "sys.exit(7)\n"
    )
    process = launch("local", "seed=1", "--cfg", "job")
    output, _ = process.communicate(timeout=PATIENCE)
    mode, auth, path, _ = output.split(maxsplit=3)
    assert (process.returncode, mode, auth) == (7, "0o600", "token")
    assert "['seed=1', '--cfg', 'job']" in output
    assert not Path(path).exists()
