"""`python -m recipes.launch.child <module> [arguments]`: `python -m <module>` that ends when its launcher dies.

A launcher that is killed with SIGKILL can't clean up; on Linux the kernel then sends SIGTERM in its name.
Slurm's warning is the launcher's to handle: where Slurm finds processes by their parents (proctrack/linuxproc) it sends
SIGUSR1 to every process of the step, and Ray would die of it. What is started here ignores it, and so do its children.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def command(module: str) -> list[str]:
    """What to start instead of `python -m <module>`."""
    return [sys.executable, "-m", "recipes.launch.child", module]


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])  # keeps the process id and the kernel's promise
