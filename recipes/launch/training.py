"""The training as a child process: composed once to learn its size, started, signalled, and its exit code passed on."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import FrameType

from recipes.common.errors import UserError
from recipes.launch import child

# Slurm's warning before pre-emption or the time limit arrives as SIGUSR1 (scripts/slurm/train.sbatch).
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True)
class Size:
    """What a config asks of a cluster."""

    nnodes: int  # those that only generate included
    gpus_per_node: int
    num_cpus: int | None  # logical ones, of a machine without a GPU
    device: str


def size_of(overrides: list[str]) -> Size:
    """Compose the config and read its size.

    Raises:
        UserError: it does not compose, or there is nothing to hand it to.
    """
    from omegaconf import OmegaConf

    from recipes.config import compose, hardware

    module()  # before there is a cluster to run it on
    refuse_flags(overrides)
    config = compose.compose(overrides)
    cpus = OmegaConf.select(config, "ray_kwargs.ray_init.num_cpus")
    return Size(hardware.nodes(config), config.trainer.n_gpus_per_node, cpus, config.hardware.device)


def module() -> str:
    """What is started with the overrides: `python -m <module>`.

    Raises:
        UserError: RLVR_TRAIN_MODULE names something else.
    """
    name = os.environ.get("RLVR_TRAIN_MODULE") or "recipes.train"
    try:
        found = find_spec(name)
        if found and found.submodule_search_locations:  # of a package it is another file that is run
            found = find_spec(f"{name}.__main__")
    except (ImportError, ValueError):  # of its parent, and of a name that is none
        found = None
    if found is None:
        raise UserError(
            f"RLVR_TRAIN_MODULE={name}: there is no such module to run. Write RLVR_TRAIN_MODULE=recipes.doctor "
            "to ask the nodes, or leave it out to train."
        )
    return name


def refuse_flags(overrides: list[str]) -> None:
    """Raise UserError for `--cfg job` and the like: they print something, and need no cluster."""
    if flags := [word for word in overrides if word.startswith("-")]:
        raise UserError(f"{flags[0]}: a cluster takes Hydra overrides only; `python -m recipes.train` takes flags too.")


class StopRequest:
    """Remembers that this process was asked to stop, and hands the request to the training as SIGTERM."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.child: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Catch every signal that asks for an end. Call it again after ray.init, which takes SIGTERM."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)


def train(overrides: list[str], environment: Mapping[str, str], stop: StopRequest) -> int:
    """Run `python -m recipes.train` to its end; return its exit code, 128 + n if signal n killed it."""
    if stop.received:
        return 130
    words = [*child.command(module()), *overrides]
    # A session of its own: Ctrl-C reaches it once, through StopRequest.
    stop.child = subprocess.Popen(words, env={**os.environ, **environment}, start_new_session=True)
    if stop.received:  # between the first look and now
        stop.child.send_signal(signal.SIGTERM)
    code = stop.child.wait()
    return code if code >= 0 else 128 - code
