"""A real Slurm on this machine: munged, slurmctld and two slurmd, with state of their own."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "srun")
CONFIG = """
ClusterName=rlvr
SlurmctldHost={host}
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
# cred_expire: a requeued job waits for so long (s) before it may start again.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/linear
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=60
NodeName=node[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=test Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Why there can be no cluster here; None if there can."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking:
        return f"{', '.join(lacking)} not installed (Debian: slurm-wlm, munge)"
    return None if os.geteuid() == 0 else "slurmd needs root"


class SlurmCluster:
    """Daemons for the length of a `with` block.

    Args:
        folder: for their state and logs.
        port: first of four.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "SlurmCluster":
        self.folder.mkdir(parents=True, mode=0o755)
        (self.folder / "state").mkdir()
        text = CONFIG.format(
            host=socket.gethostname(), port=self.port, folder=self.folder, first=self.port + 1, last=self.port + 2
        )
        (self.folder / "slurm.conf").write_text(text)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        munge = {"key-file": key, **{f"{name}-file": self.folder / f"munge.{name}" for name in ("log", "pid", "seed")}}
        words = [f"--{name}={value}" for name, value in munge.items()]
        try:
            self._start("munged", "--foreground", "--force", f"--socket={self.folder / 'munge.socket'}", *words)
            self._wait(lambda: (self.folder / "munge.socket").exists(), "munged")
            self._start("slurmctld", "-D")
            for node in ("node1", "node2"):
                self._start("slurmd", "-D", "-N", node)
            self._wait(lambda: self.scontrol("show", "nodes").count("State=IDLE") == 2, "two idle nodes")
        except BaseException:  # Ctrl-C too: no daemon is left running, and the error goes on
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()
            daemon.wait()

    def _start(self, *words: str) -> None:
        log = (self.folder / f"{words[0]}-{len(self._daemons)}.out").open("wb")
        self._daemons.append(subprocess.Popen(words, env=self.environment, stdout=log, stderr=log))

    def _wait(self, there: Callable[[], bool], what: str, limit: float = 60) -> None:
        deadline = time.monotonic() + limit
        while not there():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.out"))
                raise RuntimeError(f"no {what} after {limit:.0f} s\n{logs}")
            time.sleep(0.5)

    def run(self, *words: str, cwd: Path | None = None, **variables: str) -> str:
        """One of Slurm's commands; its output.

        Raises:
            RuntimeError: it failed.
        """
        result = subprocess.run(
            words, env={**self.environment, **variables}, cwd=cwd, capture_output=True, text=True, timeout=60
        )
        if result.returncode:
            raise RuntimeError(f"{' '.join(words)}: {result.stdout}{result.stderr}")
        return result.stdout

    def scontrol(self, *words: str) -> str:
        """scontrol; empty while slurmctld does not answer yet."""
        try:
            return self.run("scontrol", *words)
        except RuntimeError:
            return ""

    def state(self, job: str) -> str:
        """PENDING, RUNNING, COMPLETED, …"""
        shown = self.scontrol("show", "job", job)
        return shown.split("JobState=", 1)[1].split()[0] if "JobState=" in shown else ""
