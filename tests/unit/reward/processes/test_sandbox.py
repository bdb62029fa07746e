"""What a scoring process gave up stays given up, whatever runs in it; what scoring needs still works."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sandbox_attempts
from pool_jobs import ended, environment, eventually, in_new_python

from reward.processes.sandbox import landlock_available, seccomp_available

needs_filter = pytest.mark.skipif(not seccomp_available(), reason="system calls are filtered on Linux on x86-64 only")
FORBIDDEN = sorted(sandbox_attempts.forbidden(Path(), 0))
ALLOWED = sorted(sandbox_attempts.allowed())
UNSEEN = sorted(sandbox_attempts.unseen(Path()))
OTHERWISE = {"thread": "RuntimeError: can't start new thread"}  # how Python says EPERM
BEYOND_LIMITS = {"memory": "MemoryError", "many open files": "EMFILE", "bytes into a file": "EFBIG"}
TRY = "import sys, sandbox_attempts; sandbox_attempts.main(*sys.argv[1:])"
BURN = """
import sandbox_attempts, time
from reward.processes import sandbox

sandbox_attempts.enter("limits")
sandbox.limit_cpu(0.2)
start = time.monotonic()
while time.monotonic() < start + 30:
    pass
"""
OWNED = """
import os, sandbox_attempts, sys, time

if os.fork() == 0:
    sandbox_attempts.enter(sys.argv[1])
    print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[dict[str, str], Path]]:
    """What came of every attempt in a process that gave up what "mode" says, and the folder it was tried in."""
    found: dict[str, tuple[dict[str, str], Path]] = {}

    def of(mode: str) -> tuple[dict[str, str], Path]:
        if mode not in found:
            folder = tmp_path_factory.mktemp(mode)
            sandbox_attempts.prepare(folder)
            with socket.create_server(("127.0.0.1", 0)) as server:
                port = str(server.getsockname()[1])
                found[mode] = json.loads(in_new_python(TRY, mode, str(folder), port)), folder
        return found[mode]

    return of


@pytest.mark.parametrize("name", FORBIDDEN)
def test_every_attempt_works_outside_the_sandbox(name: str, tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    """Or its refusal would prove nothing."""
    assert tried("nothing")[0][name] == "done"


@needs_filter
@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_filter_refuses(name: str, tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    assert tried("filter")[0][name] == OTHERWISE.get(name, "EPERM")


@needs_filter
def test_a_call_newer_than_the_filter_does_not_exist(tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    """Whatever the kernel learns next: setxattrat came in Linux 6.13."""
    assert tried("filter")[0]["a call of tomorrow"] == "ENOSYS"


@pytest.mark.skipif(not landlock_available(), reason="this kernel has no Landlock, or it is switched off")
@pytest.mark.parametrize("name", UNSEEN)
def test_landlock_hides(name: str, tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    assert tried("nothing")[0][name] == "done"
    assert tried("filter")[0][name] == "EACCES"


@needs_filter
def test_behind_the_filter_the_file_system_stays_as_it_was(tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    folder = tried("filter")[1]
    assert {path.name for path in folder.iterdir()} == {*sandbox_attempts.FILES, "empty"}
    for name in sandbox_attempts.FILES:
        assert (folder / name).read_text() == name
        assert (folder / name).stat().st_mode & 0o777 != 0o777
        assert (folder / name).stat().st_mtime > 0


@pytest.mark.parametrize("mode", [pytest.param("filter", marks=needs_filter), "limits"])
@pytest.mark.parametrize("name", ALLOWED)
def test_scoring_can_do_what_it_needs(name: str, mode: str, tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    assert tried(mode)[0][name] == "done"


@pytest.mark.parametrize("name", BEYOND_LIMITS)
def test_limits_hold_where_there_is_no_filter(name: str, tried: Callable[..., tuple[dict[str, str], Path]]) -> None:
    outcomes, folder = tried("limits")
    assert outcomes[name] == BEYOND_LIMITS[name]
    assert (folder / "bytes").read_bytes() == b""
    assert tried("nothing")[0][name] == "done"


@needs_filter
def test_memory_and_open_files_are_limited_behind_the_filter_too(
    tried: Callable[..., tuple[dict[str, str], Path]],
) -> None:
    outcomes = tried("filter")[0]
    assert {name: outcomes[name] for name in BEYOND_LIMITS} == BEYOND_LIMITS | {"bytes into a file": "EPERM"}


def test_processor_time_beyond_the_limit_ends_the_process() -> None:
    result = subprocess.run([sys.executable, "-c", BURN], env=environment(), timeout=60)
    assert result.returncode == -signal.SIGXCPU


@pytest.mark.skipif(sys.platform != "linux", reason="Linux sends the signal")
@pytest.mark.parametrize("mode", [pytest.param("filter", marks=needs_filter), "limits"])
def test_a_process_ends_with_its_owner(mode: str) -> None:
    command = [sys.executable, "-c", OWNED, mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as owner:
        pid = int(owner.stdout.readline())
        assert not ended(pid)
        os.kill(owner.pid, signal.SIGKILL)
    assert eventually(lambda: ended(pid))
