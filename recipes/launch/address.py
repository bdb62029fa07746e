"""Which address of this machine the other nodes reach, and that the internet does not."""

import ipaddress
import os
import socket

from recipes.common.errors import UserError

VARIABLE = "RLVR_NODE_ADDRESS"


def route_to(host: str) -> str:
    """This machine's own address on the way to `host`. Nothing is sent.

    Raises:
        UserError: the name does not resolve, or there is no route.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise UserError(f"{host} can't be reached from this machine ({error}): set {VARIABLE} on each node.") from error


def node_address(peer: str | None) -> str:
    """The address this node's Ray goes by.

    Args:
        peer: another node of the job; None if this is the only one.

    Raises:
        UserError: the address is a public one, and nobody has asked for it; or what was asked for is none.
    """
    if asked := os.environ.get(VARIABLE):
        return _address(asked)
    found = route_to(peer) if peer else _own_address()
    if ipaddress.ip_address(
        found
    ).is_loopback:  # the peer is on this machine; Ray itself would replace a loopback address
        found = _own_address()
    if not ipaddress.ip_address(found).is_private:
        raise UserError(
            f"{socket.gethostname()} would serve Ray on the public address {found}. Set {VARIABLE} to the private "
            "one of the cluster's network (or to this one, if a firewall closes it)."
        )
    return found


def _address(asked: str) -> str:
    """Of a name Ray would take whatever it resolves to, and nobody would know which interface that is."""
    try:
        return str(ipaddress.IPv4Address(asked))
    except ValueError as error:
        raise UserError(
            f"{VARIABLE}={asked}: must be this node's IPv4 address in the cluster's network. Write "
            f"{VARIABLE}=10.0.0.1, each node its own, or leave it out."
        ) from error


def _own_address() -> str:
    """What Ray takes on a single node; a documentation address as the peer is routed like any other."""
    try:
        return route_to("192.0.2.1")
    except UserError:
        return "127.0.0.1"  # no network at all
