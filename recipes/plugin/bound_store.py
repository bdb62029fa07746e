"""torch's store listens where its host is named, not on every interface of the machine.

The processes of a group meet through a TCPStore: keys and values for whoever connects, without authentication. Its
server has no option for an address, but takes a socket that listens already.
"""

import importlib
import socket
from typing import Any

from torch.distributed import TCPStore


class BoundStore(TCPStore):
    """A TCPStore whose server, if this process is the one to start it, listens on `host_name` only."""

    def __init__(self, *, host_name: str, port: int, is_master: bool = False, **options: Any) -> None:
        if is_master and (listening := _listening(host_name, port)) is not None:
            port, options["master_listen_fd"] = listening.getsockname()[1], listening.detach()
        super().__init__(host_name=host_name, port=port, is_master=is_master, **options)


def _listening(host: str, port: int) -> socket.socket | None:
    """A socket for the server; None where it is running in this process, or the host's name is none of this machine."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:  # torch says what is wrong, or finds its server
        return None


def activate() -> None:
    """For every process group that this process makes from now on."""
    rendezvous: Any = importlib.import_module("torch.distributed.rendezvous")  # the package's attribute is a function
    rendezvous.TCPStore = BoundStore
