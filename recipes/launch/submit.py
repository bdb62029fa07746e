"""`ray job submit`: the training on a cluster that somebody else started."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.launch.training import refuse_flags

# What belongs to the person and the network, not to this machine.
FORWARDED = re.compile(r"(?:HF|HUGGING_FACE|WANDB|NCCL|GLOO|VLLM|RLVR)_\w+")
# Of this machine only: paths of caches and sockets, and the launcher's own.
_LOCAL = re.compile(r"HF_(?:HOME|HUB_CACHE|DATASETS_CACHE)|WANDB_(?:DIR|CACHE_DIR|SERVICE)|RLVR_(?:REMOTE_\w+|RAY_TMP)")


def forwarded(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that travel with the job."""
    chosen = {
        name: value for name, value in environment.items() if FORWARDED.fullmatch(name) and not _LOCAL.fullmatch(name)
    }
    # verl gives Ray a runtime_env of its own; without this Ray refuses two that name the same variable.
    return chosen | {"RAY_OVERRIDE_JOB_RUNTIME_ENV": "1"}


def entrypoint(overrides: list[str], environment: Mapping[str, str]) -> str:
    """The shell command that runs inside the cluster: in a checkout or image that every node has."""
    folder = environment.get("RLVR_REMOTE_DIR") or str(Path.cwd())
    python = environment.get("RLVR_REMOTE_PYTHON") or ".venv/bin/python"
    return f"cd {shlex.quote(folder)} && exec {shlex.join([python, '-m', 'recipes.launch', 'join', *overrides])}"


def command(runtime_env: Path, overrides: list[str], environment: Mapping[str, str]) -> list[str]:
    """`ray job submit`; secrets are in the file, not in the command."""
    return [
        *(sys.executable, "-m", "ray.scripts.scripts", "job", "submit"),
        f"--address={environment['RAY_API_SERVER_ADDRESS']}",
        f"--runtime-env={runtime_env}",
        "--",
        *("bash", "-c", entrypoint(overrides, environment)),  # Ray quotes each word itself
    ]


def submit(overrides: list[str], show_only: bool = False) -> int:
    """Submit and follow the log to the end; return 0 if the job succeeded.

    Raises:
        UserError: the cluster's address is not set.
    """
    import yaml

    if not os.environ.get("RAY_API_SERVER_ADDRESS"):
        raise UserError(
            "RAY_API_SERVER_ADDRESS is not set: write the address of the cluster's dashboard, for instance "
            "RAY_API_SERVER_ADDRESS=http://127.0.0.1:8265 through a tunnel."
        )
    refuse_flags(overrides)
    content: dict[str, Any] = {"env_vars": forwarded(os.environ)}
    with tempfile.NamedTemporaryFile("w", prefix="rlvr-", suffix=".yaml") as file:  # mode 600
        yaml.safe_dump(content, file)
        file.flush()
        words = command(Path(file.name), overrides, os.environ)
        if show_only:
            print(shlex.join(words))
            print("forwarded: " + " ".join(sorted(content["env_vars"])))
            return 0
        return subprocess.run(words).returncode
