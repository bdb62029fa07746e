"""All processes of a run end with it, orphans included, and nobody else's."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

# The middle process starts a stubborn grandchild in a session of its own, prints its id and dies: an orphan.
RUN = """
import subprocess, sys
from recipes.common import processes
processes.adopt_orphans()
middle = '''
import subprocess, sys
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
'''
orphan = subprocess.run([sys.executable, "-c", middle], stdout=subprocess.PIPE, text=True).stdout.strip()
print(orphan, processes.end_descendants(grace=1), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans needs Linux")
def test_a_stubborn_orphan_is_ended_and_a_stranger_is_not() -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        result = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, timeout=60)
        orphan, ended = result.stdout.split()
        assert int(ended) >= 1
        assert not psutil.pid_exists(int(orphan)) or psutil.Process(int(orphan)).status() == psutil.STATUS_ZOMBIE
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


AS_ANOTHER = """
import os, subprocess
from recipes.common import processes
theirs = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
os.setuid(65534)  # from here on this process is another user's
ours = subprocess.Popen(["sleep", "60"])
print(theirs.pid, processes.end_descendants(grace=1), os.path.exists(f"/proc/{ours.pid}"), theirs.poll(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user")
def test_a_process_of_another_user_is_passed_over(run_python) -> None:
    """As under sudo; those behind it are ended all the same."""
    result = run_python(AS_ANOTHER)
    theirs, *found = result.stdout.split()
    os.kill(int(theirs), signal.SIGKILL)
    assert found == ["1", "False", "None"], result.stderr


def test_the_tracker_of_our_own_semaphores_is_left_to_end_with_us(run_python) -> None:
    code = (
        "from multiprocessing import resource_tracker\n"
        "import psutil\n"
        "from recipes.common import processes\n"
        "resource_tracker.ensure_running()\n"
        "print(processes.end_descendants(grace=1), len(psutil.Process().children()))\n"
    )
    assert run_python(code).stdout.split() == ["0", "1"]


def test_termination_becomes_an_exception(run_python) -> None:
    code = (
        "import os, signal\n"
        "from recipes.common import processes\n"
        "processes.raise_on_termination()\n"
        "try:\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "except processes.Terminated as signal_name:\n    print('ended by', signal_name)\n"
    )
    started = time.monotonic()
    assert run_python(code).stdout.strip() == "ended by SIGTERM"
    assert time.monotonic() - started < 60
