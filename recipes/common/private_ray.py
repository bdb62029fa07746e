"""Ray's token authentication: one token per job, in a file that only its owner can read.

Ray takes the file's path from the environment, so the token itself is in no command line, environment or log.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, open_dict

from recipes.common.errors import UserError


def new_token(path: Path) -> None:
    """Write a fresh token, mode 600 from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))


def environment(path: Path) -> dict[str, str]:
    """What a Ray process needs to ask for, and to show, the token in `path`.

    Raises:
        UserError: others can read or replace the file.
    """
    mode = path.stat().st_mode & 0o777
    if mode & 0o077 or path.stat().st_uid != os.getuid():
        raise UserError(f"{path} holds Ray's token and has mode {mode:o}: `chmod 600` it, as its owner.")
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path.absolute())}


@contextmanager
def private_ray() -> Iterator[None]:
    """A Ray that this process starts asks for a token of its own, which goes at the end of the block.

    Nothing happens where a cluster is joined or authentication is set up already. To be entered before Ray is imported.
    """
    if os.environ.get("RAY_ADDRESS") or os.environ.get("RAY_AUTH_MODE"):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="rlvr-token-") as folder:
        path = Path(folder) / "token"
        new_token(path)
        use(path)
        yield


def use(path: Path) -> None:
    """Switch token authentication on in this process and those it starts."""
    os.environ.pop("RAY_AUTH_TOKEN", None)  # it would win over the file
    os.environ.update(environment(path))


def join_cluster(config: DictConfig) -> None:
    """Under recipes.launch, use the cluster that RAY_ADDRESS names; Ray refuses sizes for one that runs already."""
    if os.environ.get("RLVR_JOIN_CLUSTER"):
        with open_dict(config):
            for key in ("address", "num_cpus", "num_gpus", "include_dashboard"):
                config.ray_kwargs.ray_init[key] = None
