"""Does every node see, and write to, the folder that the runs go to?"""

import shutil
import time
import uuid
from pathlib import Path

from recipes.common.files import existing_parent
from recipes.doctor.check import described
from recipes.doctor.cluster import Cluster
from recipes.doctor.finding import Finding, failure, ok, warning

NAME = "shared folder"
# Network file systems may show a new file this much later (NFS caches a folder for up to 60 s, usually 3 to 30).
PATIENCE = 30.0
_CURE = (
    "Write output_root=<a folder on a file system that all nodes mount at the same path>, or mount it there; "
    "for a training on one node any folder does."
)


def exchange(folder: Path, word: str, patience: float, name: str) -> None:
    """On a node: read the driver's file and write one of its own.

    Args:
        folder: made by the driver.
        word: what the driver's file holds.
        patience: seconds to wait for the file.
        name: of the node's own file.

    Raises:
        OSError: the file can't be read or written.
        ValueError: it holds something else.
    """
    _wait_for(folder / "driver", patience)
    found = (folder / "driver").read_text()
    if found != word:
        raise ValueError(f"{folder / 'driver'} holds {found!r}, not what the driver wrote")
    (folder / name).write_text(word)


def _wait_for(file: Path, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    return file.exists()


def check(cluster: Cluster, patience: float = PATIENCE) -> list[Finding]:
    """The driver writes a file that every node must read, and every node one that the driver must see."""
    parent = existing_parent(Path(cluster.config.run_dir))
    folder, word = parent / f".doctor-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    names = [f"node-{index}" for index in range(len(cluster.nodes))]
    try:
        folder.mkdir()
        (folder / "driver").write_text(word)
        answers = cluster.ask(exchange, folder, word, patience, each=[(name,) for name in names])
        findings = []
        for (node, found), name in zip(answers.items(), names, strict=True):
            if isinstance(found, Exception):
                what = f"{parent} is not shared with this node, or not writable there: {described(found)}"
                findings.append(failure(NAME, what, _CURE, node.name))
            elif not _wait_for(folder / name, patience) or (folder / name).read_text() != word:
                what = f"what this node writes under {parent} does not reach the driver"
                findings.append(failure(NAME, what, _CURE, node.name))
            else:
                findings.append(ok(NAME, f"{parent}: read and written", node.name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        findings.append(warning(NAME, f"{folder} could not be removed", f"Remove it: rm -r {folder}"))
    return findings
