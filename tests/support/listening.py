"""Where the processes of a run listen."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

LOOPBACK = {"127.0.0.1", "::1"}
DATAGRAMS = 2  # socket.SOCK_DGRAM: they have no state LISTEN


@dataclass(frozen=True)
class Listener:
    """One socket that anybody may send to who reaches its address.

    Attributes:
        pid: of the process.
        program: what it was called when it was first seen.
        address: "::" and "0.0.0.0" are all of the machine's.
        port: of it.
    """

    pid: int
    program: str
    address: str
    port: int


class Watch:
    """Looks, for the length of a block, at all processes whose environment holds `name=value`."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value
        self._found: dict[tuple[int, str, int], Listener] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_again)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def found(self) -> list[Listener]:
        """All that were seen."""
        return list(self._found.values())

    def reachable(self) -> list[Listener]:
        """Those that others than this machine may reach."""
        return [one for one in self.found if one.address not in LOOPBACK]

    def programs(self) -> str:
        """All that were seen, for people."""
        return "\n".join(sorted(f"{one.address}:{one.port} {one.program}" for one in self.found))

    def _look_again(self) -> None:
        while not self._over.wait(0.3):
            ours = dict(self._processes())
            for one in psutil.net_connections("inet"):
                if one.pid in ours and (one.status == psutil.CONN_LISTEN or (one.type == DATAGRAMS and not one.raddr)):
                    address = one.laddr.ip.removeprefix("::ffff:")  # IPv4 on a socket of IPv6
                    key = one.pid, address, one.laddr.port
                    self._found.setdefault(key, Listener(one.pid, ours[one.pid], *key[1:]))

    def _processes(self) -> Iterator[tuple[int, str]]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(self._name) == self._value:
                    yield process.pid, " ".join(process.cmdline())[:200]
