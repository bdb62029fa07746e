"""Serve the page of a run that goes on: two addresses, GET only, and no other file of the machine."""

import asyncio
import ipaddress
import itertools
import socket
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from recipes.common.errors import UserError
from recipes.report.page.follow import FollowedRun

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the rest stands in the page, where it also holds for a file
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
MOST = 16  # connections at once; a page needs one or two
PIECE = 2**16  # bytes of a page that wait for a reader
_numbers = itertools.count()  # a clock may show several connections the same time


class GivingWay(H11Protocol):
    """A connection that is cut off when MOST others have come after it.

    So whoever opens connections and never asks, or asks and never reads, keeps nobody out.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As of asyncio."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.number = next(_numbers)
        while len(self.connections) > MOST:
            oldest = min(self.connections, key=attrgetter("number"))
            self.connections.discard(oldest)
            oldest.transport.abort()

    def shutdown(self) -> None:
        """As of uvicorn: the server ends, and waits for nobody."""
        self.transport.abort()


class KnownHostOnly:
    """Refuse requests that name another host than this machine.

    A page of somebody else could make its own name point here (DNS rebinding) and read the answers; it can't choose
    the Host header, which then holds that name. Numbers can't be pointed elsewhere.

    Args:
        app: what answers the others.
        address: given by the user, also allowed.
    """

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._names = {"localhost", address.lower(), socket.gethostname().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As of ASGI."""
        if scope["type"] == "http" and not self._knows(dict(scope["headers"]).get(b"host", b"").decode("latin-1")):
            await PlainTextResponse("This host name is not served.\n", 421)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _knows(self, host: str) -> bool:
        name = host[1 : host.find("]")] if host.startswith("[") else host.rsplit(":", 1)[0] if ":" in host else host
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self._names
        return True


def application(run: FollowedRun, address: str) -> Starlette:
    """The server's two pages: / and /news?cursor=…"""
    reading = asyncio.Lock()

    async def read(ask: Callable[..., Any], *arguments: str) -> Any:
        async with reading:  # one look at a time: they change what is known of the run
            return await asyncio.to_thread(ask, *arguments)

    async def page(request: Request) -> Response:
        body = await read(run.page)
        length = {"Content-Length": str(len(body))}
        return StreamingResponse(_pieces(body), media_type="text/html", headers=HEADERS | length)

    async def news(request: Request) -> Response:
        found = await read(run.news, request.query_params.get("cursor", ""))
        return Response(status_code=204, headers=HEADERS) if found is None else JSONResponse(found, headers=HEADERS)

    async def refused(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"{error}\n", 409, headers=HEADERS)

    return Starlette(
        routes=[Route("/", page, methods=["GET"]), Route("/news", news, methods=["GET"])],
        middleware=[Middleware(KnownHostOnly, address=address)],
        exception_handlers={UserError: refused},
    )


def _pieces(body: bytes) -> Iterator[bytes]:
    """So that whoever does not read holds one of them, and not a copy of the page."""
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


def server(run: FollowedRun, address: str) -> uvicorn.Server:
    """Of the application, with a bound on its connections."""
    config = uvicorn.Config(
        application(run, address),
        http=GivingWay,
        ws="none",
        log_level="warning",
        lifespan="off",
    )
    return uvicorn.Server(config)


def serve(folder: Path, address: str, port: int) -> None:
    """Serve until Ctrl-C.

    Args:
        folder: of the run; it may be missing, then the page waits for it.
        address: to listen on.
        port: to listen on; 0 for any that is free.

    Raises:
        UserError: `folder` is something else, or the address can't be listened on.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is no folder. Write the folder of a run, for instance outputs/quickstart/<run>.")
    run = FollowedRun(folder)
    run.look()
    with _listener(address, port) as listener:
        shown = f"[{address}]" if ":" in address else address
        print(f"http://{shown}:{listener.getsockname()[1]}/  (Ctrl-C ends)", flush=True)
        if not folder.exists():
            print(f"{folder} is not there yet: the page waits for it.", flush=True)
        if not _is_loopback(address):
            print("Everybody who reaches this address can read the run.", flush=True)
        try:
            server(run, address).run(sockets=[listener])
        except KeyboardInterrupt:
            return


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:  # the last of a name that is none
        raise UserError(
            f"Can't listen on {address}, port {port}: {error}. Write --port=<a free one>, or "
            "--address=<one of this machine>."
        ) from error


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
