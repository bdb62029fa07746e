"""Who reaches a run's Ray: nobody from outside, where it is one machine's; else whoever has the job's token.

Of a run on one machine every socket listens on loopback, Ray's, vLLM's and TransferQueue's, which unpickles what it is
sent. Several nodes trust their network; Ray itself then asks for a token, one per job, in a file that only its owner
can read. Ray takes the file's path from the environment, so the token is in no command line, environment or log.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, OmegaConf, open_dict

from recipes.common.errors import UserError
from recipes.common.files import close_folder

# Ray's variable for leaving the network alone, which it reads when it is imported; everything else that asks Ray for
# the machine's address (TransferQueue, verl's servers, NCCL's and Gloo's rendezvous) is then on loopback too.
LOOPBACK = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "VLLM_HOST_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
    "NCCL_SOCKET_IFNAME": "lo",
}


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
    """A Ray that this process starts listens on loopback and asks for a token of its own; both go with the block.

    Nothing happens where a cluster is joined. To be entered before Ray is imported.
    """
    if os.environ.get("RAY_ADDRESS"):
        yield
        return
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="rlvr-token-") as folder:
        try:
            if sys.platform == "linux":  # elsewhere it is Ray's way anyhow, and the interface has another name
                os.environ.update(LOOPBACK)
            if not os.environ.get("RAY_AUTH_MODE"):
                path = Path(folder) / "token"
                new_token(path)
                use(path)
            yield
        finally:
            for name in (*LOOPBACK, "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_TOKEN"):
                os.environ.pop(name, None)
                if name in before:
                    os.environ[name] = before[name]


def use(path: Path) -> None:
    """Switch token authentication on in this process and those it starts."""
    os.environ.pop("RAY_AUTH_TOKEN", None)  # it would win over the file
    os.environ.update(environment(path))


def join_or_start(config: DictConfig) -> None:
    """Say in the config which Ray is meant: the cluster that RAY_ADDRESS names, or one of this run's own.

    A cluster that happens to run here is not ours, and has another token. Under recipes.launch the cluster's sizes
    are its own: Ray refuses them for one that runs already.

    Raises:
        UserError: the folder for Ray's files belongs to somebody else.
    """
    given = config.ray_kwargs.ray_init
    if OmegaConf.select(config, "hardware.device") == "cpu":
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # set to nothing, Ray would refuse the preset's logical GPUs
    with open_dict(config):
        if os.environ.get("RLVR_JOIN_CLUSTER"):
            for key in ("address", "num_cpus", "num_gpus", "include_dashboard"):
                given[key] = None
        elif not os.environ.get("RAY_ADDRESS") and given.get("address") in (None, "local"):
            given.address = "local"
            given["_temp_dir"] = given.get("_temp_dir") or str(own_folder())


def own_folder() -> Path:
    """Where Ray keeps logs, spilled objects and sockets of this user's runs: closed to others (mode 700).

    Raises:
        UserError: it can't be made, belongs to somebody else, or is a link.
    """
    folder = temporary_root() / f"ray-{os.getuid()}"
    with _naming_the_variable(folder):
        close_folder(folder)
    return folder


def temporary_root() -> Path:
    """In which the folders for Ray's files are made: what RLVR_RAY_TMP says, or /tmp.

    Raises:
        UserError: it can't be made.
    """
    folder = Path(os.environ.get("RLVR_RAY_TMP") or "/tmp").absolute()  # Ray takes no other
    with _naming_the_variable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _naming_the_variable(folder: Path) -> Iterator[None]:
    """Short, since a socket's path has 107 characters at most; local, since network file systems have none."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}. Set RLVR_RAY_TMP to a local folder with a short path.") from error
