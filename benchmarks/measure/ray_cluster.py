"""A Ray cluster of several nodes on this machine, as an administrator would start it: `ray start`, with a token."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from benchmarks.measure import process_tree
from recipes.common import private_ray
from recipes.launch.ports import Ports

STARTED = 120.0  # seconds within which the dashboard takes jobs


class RayCluster:
    """Raylets for the length of a `with` block, each with one logical GPU.

    Args:
        folder: for the token and what `ray start` prints.
        nodes: how many.
        base: first port; see recipes.launch.ports.
    """

    def __init__(self, folder: Path, nodes: int, base: int = 26000) -> None:
        self.folder, self.nodes, self.ports = folder, nodes, Ports(base)
        self._started: list[subprocess.Popen[bytes]] = []
        # A short path: Ray puts Unix sockets there.
        self._temporary = tempfile.TemporaryDirectory(prefix="rlvr-", ignore_cleanup_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a person on this machine has set who may use the cluster."""
        access = private_ray.environment(self.folder / "token")
        return {**os.environ, **access, "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{self.ports.base + 1}"}

    def __enter__(self) -> "RayCluster":
        self.folder.mkdir(parents=True, exist_ok=True)
        private_ray.new_token(self.folder / "token")
        try:
            head = {**self.ports.of_head(), "include-dashboard": "true", "dashboard-host": "127.0.0.1"}
            self._start(self.ports, "--head", temp_dir=self._temporary.name, **head)
            self._wait()
            for index in range(1, self.nodes):
                self._start(self.ports.on_same_machine(index), address=f"127.0.0.1:{self.ports.gcs}")
        except BaseException:  # Ctrl-C too: nothing is left running, and the error goes on
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process below the ones that were started, and no other; Ray's own logs go with them."""
        for process in reversed(self._started):
            process_tree.end(process)
        self._temporary.cleanup()

    def _start(self, ports: Ports, *flags: str, **options: object) -> None:
        options = {**ports.of_node(), "num-cpus": 32, "num-gpus": 1, **options}
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *flags]
        log = (self.folder / f"ray-{len(self._started)}.log").open("wb")
        environment = {**self.environment, **ports.environment()}
        self._started.append(
            subprocess.Popen([*command, *words], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        )

    def _wait(self) -> None:
        """Until the dashboard takes jobs."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "job", "list"]
        deadline = time.monotonic() + STARTED
        while subprocess.run(command, env=self.environment, capture_output=True).returncode:
            if time.monotonic() > deadline or self._started[0].poll() is not None:
                raise RuntimeError(f"no cluster; see {self.folder}/ray-0.log")
            time.sleep(1)
