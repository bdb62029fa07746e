"""`python -m recipes.launching.child <module> [arguments]`: `python -m <module>` that ends when its launcher dies.

A launcher that is killed with SIGKILL can't clean up; on Linux the kernel then sends SIGTERM in its name.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def command(module: str) -> list[str]:
    """What to start instead of `python -m <module>`."""
    return [sys.executable, "-m", "recipes.launching.child", module]


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])  # keeps the process id and the kernel's promise
