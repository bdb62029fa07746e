"""One scoring process, and the socket it is spoken to over.

Every process has a socket of its own, so that its death, whenever it comes, touches no job but its own. Processes that
share a pipe and its lock lose jobs then: with Pebble 5.2, ten kills among 2,000 jobs left 699 without an end.

A text may take over the process that reads it. So the reply is awaited no longer than the deadline, whatever part of it
came, and it is JSON of bounded size: text, numbers and lists of them, or a Comparison.
"""

import json
import os
import pickle
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from reward.processes import sandbox
from reward.processes.plain_process import leave_fork_server, plain_context
from reward.task import Comparison

READY_WITHIN = 120.0  # seconds for a process to start; a machine may be busy
GONE_WITHIN = 10.0  # seconds for a killed process to vanish
MOST_BYTES = 1 << 16  # of a reply
LONGEST_FORM = 4096  # characters of a normal form; a longer one is left out, since it only explains
LONGEST_TRACE = 8192  # characters of a traceback's end
VALUE, COMPARISON, FAILED = "value", "comparison", "failed"  # kinds of reply
LENGTH = 8  # bytes that tell how long a message is


class Died(Exception):
    """The process ended, or says what no job of ours says."""


class NotStarted(Died):
    """There is no process: the fork server is ending. The next attempt starts another server, once this one is gone."""


class Raised(Exception):
    """The job raised an error: what kind, and its traceback."""

    def __init__(self, kind: str, trace: str) -> None:
        super().__init__(trace)
        self.kind = kind


class Worker:
    """A process that runs one job after the other. For one thread, but for `interrupt`.

    Args:
        memory_gib: address space of the process.

    Raises:
        Died, Raised: it can't be started.
    """

    def __init__(self, memory_gib: float) -> None:
        self.jobs = 0
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = plain_context().Process(target=_serve, args=(theirs, memory_gib), daemon=True)
            try:
                self._process.start()
            except (OSError, EOFError) as error:
                self._socket.close()
                raise NotStarted(f"a scoring process can't be started: {error}") from error
        try:
            self._receive(time.monotonic() + READY_WITHIN)
        except TimeoutError as error:
            self.kill()
            raise Died(f"a scoring process did not start within {READY_WITHIN:.0f} s") from error
        except BaseException:  # Ctrl-C too: the process is ended, and the error goes on
            self.kill()
            raise

    def run(self, function: Callable[..., Any], arguments: tuple[Any, ...], deadline: float) -> Any:
        """What `function(*arguments)` returns: a Comparison or plain data.

        Raises:
            TimeoutError: it took longer than `deadline` seconds; the process then has to be killed.
            Raised: the job raised an error.
            Died: the process ended.
        """
        payload = pickle.dumps((function, arguments, deadline))
        self.jobs += 1
        end = time.monotonic() + deadline
        self._socket.settimeout(deadline)
        with _died():
            self._socket.sendall(_framed(payload))
        return self._receive(end)

    def interrupt(self) -> None:
        """End the process at once, whatever it does; from any thread, so that `run` raises Died in its own."""
        self._process.kill()

    def kill(self) -> None:
        """End the process and wait until it is gone."""
        self.interrupt()
        self._process.join(GONE_WITHIN)
        self._socket.close()

    def _receive(self, end: float) -> Any:
        size = int.from_bytes(self._read(LENGTH, end), "big")
        if size > MOST_BYTES:
            raise Died(f"a scoring process sent {size} bytes")
        reply = self._read(size, end)
        try:
            number, kind, content = json.loads(reply)
            if kind == COMPARISON:
                content = Comparison(**content)
            elif kind == FAILED:
                content = Raised(*map(str, content))
        except (ValueError, TypeError, RecursionError) as error:
            raise Died(f"a scoring process sent no reply: {type(error).__name__}") from error
        if number != self.jobs:
            raise Died("a scoring process sent the reply to another job")
        if isinstance(content, Raised):
            raise content
        return content

    def _read(self, size: int, end: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._socket.settimeout(max(end - time.monotonic(), 0.001))
            with _died():
                part = self._socket.recv(size - len(data))
            if not part:
                raise Died("a scoring process ended")
            data += part
        return bytes(data)


@contextmanager
def _died() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise
    except OSError as error:
        raise Died(f"a scoring process is gone: {error}") from error


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(LENGTH, "big") + payload


def _serve(channel: socket.socket, memory_gib: float) -> None:
    """The process: says that it is ready, then answers one job after the other until its owner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for its owner
    leave_fork_server()  # or a busy process would keep the server, and so itself, alive after its owner's death
    number = 0
    with channel, channel.makefile("rb") as jobs:
        _reply(channel, number, partial(_start, channel.fileno()), memory_gib)
        while header := jobs.read(LENGTH):
            number += 1
            _reply(channel, number, _run, jobs.read(int.from_bytes(header, "big")))


def _start(channel: int, memory_gib: float) -> None:
    from reward.equivalence.compare import assert_ready

    assert_ready()
    sandbox.close_files(channel)
    sandbox.enter(int(memory_gib * 2**30))


def _run(payload: bytes) -> Any:
    function, arguments, deadline = pickle.loads(payload)
    sandbox.limit_cpu(deadline)
    return function(*arguments)


def _reply(channel: socket.socket, number: int, function: Callable[[Any], Any], argument: Any) -> None:
    try:
        reply = _encoded(number, function(argument))
    except BaseException as error:  # SystemExit too: its owner learns of it, and the process goes on
        trace = traceback.format_exc(limit=-20)[-LONGEST_TRACE:]
        reply = json.dumps((number, FAILED, (type(error).__name__[:100], trace))).encode()
    rest = memoryview(_framed(reply))
    while rest:
        rest = rest[os.write(channel.fileno(), rest) :]  # the sandbox has no send()


def _encoded(number: int, result: Any) -> bytes:
    if isinstance(result, Comparison):
        facts = {name: value if len(value) <= LONGEST_FORM else "" for name, value in asdict(result).items()}
        return json.dumps((number, COMPARISON, facts)).encode()
    reply = json.dumps((number, VALUE, result)).encode()
    if len(reply) > MOST_BYTES:
        raise ValueError(f"the result takes {len(reply)} bytes, at most {MOST_BYTES} may be sent")
    return reply
