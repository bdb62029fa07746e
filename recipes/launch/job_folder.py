"""Where the launchers of one job meet: a folder on the shared file system.

token            Ray's token, mode 600; gone when the job ends
head.json        where the head listens, and what its workers are to offer
node-<rank>.json a launcher has started on that node
ended.json       the training has ended with this exit code: stop
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.common.files import close_folder, read_mapping, write_atomically


@dataclass(frozen=True)
class Head:
    """What a worker has to know to join."""

    address: str
    base_port: int
    num_cpus: int | None
    num_gpus: int | None


@dataclass(frozen=True)
class Node:
    """A launcher that has signed in."""

    rank: int
    host: str
    address: str


class JobFolder:
    """One folder per attempt at a job, so that a requeued job does not find what its predecessor left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.token = path / "token"

    def create(self) -> None:
        """Make the folder, closed to others.

        Raises:
            UserError: another job has used it, it holds something else, or it is somebody else's.
        """
        if (self.path / "head.json").exists() or (self.path / "ended.json").exists():
            raise UserError(f"--job-folder={self.path} has served a job already: name a new one on every node.")
        is_folder = self.path.is_dir() and not self.path.is_symlink()
        if is_folder and any(self.path.iterdir()):  # a home, say, which is not to be closed to others
            raise UserError(f"--job-folder={self.path} is not empty: name a new one on every node.")
        self.close_to_others()

    def close_to_others(self) -> None:
        """Nobody else may put files of theirs in the place of ours.

        Raises:
            UserError: it is somebody else's.
        """
        try:
            close_folder(self.path)
        except OSError as error:
            raise UserError(
                f"--job-folder={self.path}: {error.strerror}. Name one that you make, on every node."
            ) from error

    def announce(self, head: Head) -> None:
        """The head is up."""
        self._write("head.json", asdict(head))

    def head(self) -> Head | None:
        """Where the head is, once it is up."""
        content = self._read("head.json")
        return Head(**content) if content else None

    def sign_in(self, node: Node) -> None:
        """A launcher runs on this node."""
        self._write(f"node-{node.rank}.json", asdict(node))

    def nodes(self) -> list[Node]:
        """Who has signed in, by rank."""
        found = [self._read(path.name) for path in self.path.glob("node-*.json")]
        return sorted((Node(**content) for content in found if content), key=lambda node: node.rank)

    def end(self, code: int) -> None:
        """Tell the workers that it is over, and take the token away."""
        self._write("ended.json", {"exit_code": code})
        self.token.unlink(missing_ok=True)

    def ended(self) -> bool:
        """Whether the head has said so."""
        return self._read("ended.json") is not None

    def _write(self, name: str, content: dict[str, Any]) -> None:
        write_atomically(self.path / name, json.dumps(content) + "\n")

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return read_mapping(self.path / name)
        except (FileNotFoundError, ValueError):  # a network file system may show a name before its content
            return None


def wait_until(there: Callable[[], bool], deadline: float, poll: float = 0.5) -> bool:
    """Poll until `there()` or until `deadline` (time.monotonic seconds); return what it says last."""
    while not (found := there()) and time.monotonic() < deadline:
        time.sleep(poll)
    return found
