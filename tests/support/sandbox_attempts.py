"""What a text might do that has taken over a scoring process, and what scoring itself has to do there.

Run in a Python of its own: `main` enters the sandbox, tries everything in a folder, and prints what came of it as JSON.
"""

import ctypes
import errno
import fcntl
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from reward.processes import sandbox

MEMORY = 2**30
READABLE = Path(sandbox.__file__)  # Landlock does not hide what Python imports
TGKILL, PTRACE_TRACEME, PR_SET_PDEATHSIG, SETXATTRAT = 234, 0, 1, 463
SHMGET, SEMGET, MSGGET, SHMCTL, SEMCTL, MSGCTL, IPC_RMID = 29, 64, 68, 31, 66, 71, 0
F_SETSIG, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 10, 0x80086601, 0x40086602
FILES = ("old", "moved", "linked", "gone", "cut", "mode", "owner", "time")  # exist before anything is tried


def forbidden(folder: Path, port: int) -> dict[str, Callable[[], object]]:
    """What the filter of system calls refuses; without it, all of this works."""
    free = (ctypes.c_ulong * 2)(*resource.getrlimit(resource.RLIMIT_NOFILE))

    def fork() -> None:
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    def thread() -> None:
        one = threading.Thread(target=time.sleep, args=(0.01,))
        one.start()
        one.join(10)

    def signals_by_a_descriptor(number: int, value: int) -> None:
        with READABLE.open() as file:
            fcntl.fcntl(file, number, value)

    def flags_of_a_file() -> None:
        with READABLE.open() as file:
            flags = struct.pack("l", 0)
            fcntl.ioctl(file, FS_IOC_SETFLAGS, fcntl.ioctl(file, FS_IOC_GETFLAGS, flags))

    def outliving(get: int, size: tuple[int, ...], control: int, rest: tuple[int, ...]) -> None:
        """SysV's objects stay until somebody removes them."""
        made = _call("syscall", get, 0, *size, 0o600)
        _call("syscall", control, made, *rest)

    def lock() -> None:
        with READABLE.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    return {
        "thread": thread,
        "signal by a descriptor": lambda: signals_by_a_descriptor(fcntl.F_SETOWN, os.getppid()),
        "any signal by a descriptor": lambda: signals_by_a_descriptor(F_SETSIG, 9),
        "flags of a file": flags_of_a_file,
        "lock of a file": lock,
        "memory that outlives it": lambda: outliving(SHMGET, (4096,), SHMCTL, (IPC_RMID, 0)),
        "semaphore that outlives it": lambda: outliving(SEMGET, (1,), SEMCTL, (0, IPC_RMID)),
        "messages that outlive it": lambda: outliving(MSGGET, (), MSGCTL, (IPC_RMID, 0)),
        "file in memory": lambda: os.close(os.memfd_create("x")),
        "pipe": lambda: [os.close(end) for end in os.pipe()],
        "outliving its owner": lambda: _call("prctl", PR_SET_PDEATHSIG, 0, 0, 0, 0),
        "attribute": lambda: os.setxattr(folder / "old", "user.x", b"x"),
        "connect": lambda: socket.create_connection(("127.0.0.1", port)),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
        "socket pair": socket.socketpair,
        "fork": fork,
        "subprocess": lambda: subprocess.run(["true"], check=True),
        "shell": lambda: subprocess.run("true", shell=True, check=True),
        "spawn": lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0),
        "signal to the parent": lambda: os.kill(os.getppid(), 0),
        "signal to a thread of the parent": lambda: _call("syscall", TGKILL, os.getppid(), os.getppid(), 0),
        "limits of the parent": lambda: _call("prlimit", os.getppid(), resource.RLIMIT_NOFILE, free, None),
        "limits of its own": lambda: _call("prlimit", 0, resource.RLIMIT_NOFILE, free, None),
        "write": lambda: (folder / "old").open("w"),
        "append": lambda: (folder / "old").open("a"),
        "read and write": lambda: (folder / "old").open("r+"),
        "create": lambda: (folder / "new").open("x"),
        "create without a name": lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR),
        "truncate": lambda: os.truncate(folder / "cut", 0),
        "unlink": lambda: (folder / "gone").unlink(),
        "rename": lambda: (folder / "moved").rename(folder / "elsewhere"),
        "link": lambda: (folder / "second").hardlink_to(folder / "linked"),
        "symlink": lambda: (folder / "pointer").symlink_to(folder / "linked"),
        "mkdir": lambda: (folder / "subfolder").mkdir(),
        "rmdir": lambda: (folder / "empty").rmdir(),
        "chmod": lambda: (folder / "mode").chmod(0o777),
        "chown": lambda: os.chown(folder / "owner", os.getuid(), os.getgid()),
        "touch": lambda: os.utime(folder / "time", (0, 0)),
        "fifo": lambda: os.mkfifo(folder / "fifo"),
        "ptrace": lambda: _call("ptrace", PTRACE_TRACEME, 0, 0, 0),  # last: from now on any signal stops the process
    }


def _call(function: str, *arguments: object) -> int:
    ctypes.set_errno(0)
    result: int = getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), function)
    return result


def limited(folder: Path) -> dict[str, Callable[[], object]]:
    """What the limits of the process refuse, with and without the filter."""

    def files() -> None:
        with ExitStack() as kept:
            for _ in range(200):
                kept.enter_context(Path("/dev/null").open())

    def bytes_into_a_file() -> None:
        with (folder / "bytes").open("wb", buffering=0) as file:
            file.write(b"x")

    return {
        "memory": lambda: bytearray(2 * MEMORY),
        "many open files": files,
        "bytes into a file": bytes_into_a_file,
    }


def unseen(folder: Path) -> dict[str, Callable[[], object]]:
    """What Landlock refuses."""
    return {
        "read a file": lambda: (folder / "old").read_text(),
        "list a folder": lambda: list(folder.iterdir()),
        "environment of its owner": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    }


def allowed() -> dict[str, Callable[[], object]]:
    """What scoring needs."""

    def algebra() -> None:
        from sympy import Symbol, integrate

        x = Symbol("x")
        assert integrate(x**2, (x, 0, 3)) == 9

    return {
        "read a module": lambda: Path(json.__file__).read_text(),
        "list a package": lambda: list(Path(json.__file__).parent.iterdir()),
        "import": lambda: __import__("colorsys"),
        "compute": lambda: 2**10_000 % 997,
        "some memory": lambda: bytearray(MEMORY // 8),
        "algebra": algebra,
        "write to a pipe": lambda: os.write(1, b""),
        "move the CPU limit": lambda: sandbox.limit_cpu(100),
    }


def prepare(folder: Path) -> None:
    """The files that the attempts are about."""
    for name in FILES:
        (folder / name).write_text(name)
    (folder / "empty").mkdir()


def outcome(attempt: Callable[[], object]) -> str:
    """ "done", or what stood in the way."""
    try:
        attempt()
    except MemoryError:
        return "MemoryError"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:  # what stood in the way is what tests compare
        return f"{type(error).__name__}: {error}"
    return "done"


def enter(mode: str) -> None:
    """mode: "filter"; "limits", as where there is no filter; or "nothing"."""
    if mode == "limits":
        sandbox.seccomp_available = lambda: False  # type: ignore[assignment]
    if mode != "nothing":
        sandbox.enter(MEMORY)


def main(mode: str, folder: str, port: str) -> None:
    """Enter, try everything, print a JSON object of outcomes."""
    tomorrow = {"a call of tomorrow": lambda: _call("syscall", SETXATTRAT, -1, 0, 0, 0, 0, 0)}
    attempts = tomorrow | limited(Path(folder)) | allowed() | unseen(Path(folder)) | forbidden(Path(folder), int(port))
    enter(mode)
    print(json.dumps({name: outcome(attempt) for name, attempt in attempts.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
