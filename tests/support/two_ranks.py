"""Two real processes that talk to each other: `run` starts a script of this folder as both ranks and waits for them."""

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 180


def run(script: str, folder: Path) -> None:
    """`python <script> <rank> <folder>` twice, side by side, in `folder`; fails with what a rank said that failed."""
    # The packages of this very process, wherever they come from.
    path = os.pathsep.join(filter(None, [str(Path.cwd()), *sys.path]))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    ranks = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script)), str(rank), str(folder)],
            env=environment,
            cwd=folder,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        for process in ranks:
            _, errors = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in ranks:
            process.kill()
