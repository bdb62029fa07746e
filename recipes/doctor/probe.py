"""What one node says about itself. Runs in a Ray task there; judged on the driver (node_checks.py).

Like recipes.plugin.worker_check, this module must not import the plug-in.
"""

import importlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from recipes.common.errors import UserError
from recipes.doctor import nvml
from recipes.inputs import model_folder
from recipes.plugin import worker_check
from recipes.runs import manifest


@dataclass(frozen=True)
class Space:
    """Of one file system, bytes."""

    total: int
    free: int


@dataclass(frozen=True)
class Question:
    """What a node is to look at.

    Attributes:
        output: the folder under which runs are written, or the nearest one above that is there.
        files: of model and data, absolute.
        hub_model: the model's hub id; None where it is a folder.
    """

    output: Path
    files: tuple[Path, ...] = ()
    hub_model: str | None = None


@dataclass(frozen=True)
class NodeReport:
    """What a node says.

    Attributes:
        versions: of Python and of the packages that decide a result.
        plugin_problem: None if verl loads our plug-in there.
        graphics: its GPUs.
        spaces: by folder; None where the folder is not there.
        files: size in bytes, or why the file can't be read.
        model_problem: why the hub model can't be had there; None if it can.
    attention_problem: why flash-attn can't be imported there; None if it can.
    """

    versions: dict[str, str]
    plugin_problem: str | None = None
    graphics: nvml.Graphics = field(default_factory=nvml.Graphics)
    spaces: dict[str, Space | None] = field(default_factory=dict)
    files: dict[str, int | str] = field(default_factory=dict)
    model_problem: str | None = None
    attention_problem: str | None = None


def temporary_folder() -> str:
    """Where Ray keeps its session on this node."""
    return os.environ.get("RAY_TMPDIR") or os.environ.get("RLVR_RAY_TMP") or "/tmp"  # a launcher sets the first


def report(question: Question) -> NodeReport:
    """Look around on this node."""
    folders = {"output": str(question.output), "temporary": temporary_folder(), "shared memory": "/dev/shm"}
    problem = worker_check.plugin_problem()  # first: on a CPU the plug-in also answers for the version of vLLM
    return NodeReport(
        versions=manifest.versions(),
        plugin_problem=problem,
        graphics=nvml.read(),
        spaces={name: _space(folder) for name, folder in folders.items()},
        files=sizes(question.files),
        model_problem=_model_problem(question.hub_model),
        attention_problem=_attention_problem(),
    )


def _space(folder: str) -> Space | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:  # a finding for the driver to make
        return None
    return Space(usage.total, usage.free)


def sizes(files: tuple[Path, ...]) -> dict[str, int | str]:
    """Size of each file in bytes, or why its first byte can't be read."""
    return {str(file): _size(file) for file in files}


def _size(file: Path) -> int | str:
    try:
        with file.open("rb") as opened:
            opened.read(1)  # a name can be visible where the content is not
            return os.fstat(opened.fileno()).st_size
    except OSError as error:  # becomes part of the report
        return f"{type(error).__name__}: {error.strerror}"


def _attention_problem() -> str | None:
    try:
        importlib.import_module("flash_attn.flash_attn_interface")  # loads the compiled part, which has to fit torch
    except (ImportError, OSError) as error:  # becomes part of the report
        return str(error)
    return None


def _model_problem(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        model_folder.check(name)
    except UserError as error:  # becomes part of the report
        return str(error)
    return None
