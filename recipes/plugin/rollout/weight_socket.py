"""Weights reach the vLLM of their own run.

verl's actor hands weights to vLLM through a socket in /tmp, named by Ray's job id, replica and rank (vllm_rollout.py,
ServerAdapter). Every local Ray counts its jobs from 1, so two runs on one machine would share the socket: both hang,
or one run's vLLM generates with the other's weights. Here an id of the attempt is added to the name on both ends.
"""

import os
from typing import Any

from verl.workers.rollout.vllm_rollout import ServerAdapter
from verl.workers.rollout.vllm_rollout.utils import vLLMColocateWorkerExtension

from recipes.plugin.rollout import weight_sums

VARIABLE = "RLVR_ATTEMPT"
_VERLS = "rl-colocate-zmq-"


def of_this_attempt(handle: str) -> str:
    """verl's name of the socket with the attempt's id; as it is where there is none, under a verl command.

    Args:
        handle: ipc:///tmp/rl-colocate-zmq-<job>-replica-<replica>-rank-<rank>.sock

    Raises:
        RuntimeError: verl names it otherwise, so the two ends might no longer agree.
    """
    attempt = os.environ.get(VARIABLE)
    if not attempt:
        return handle
    if handle.count(_VERLS) != 1:
        raise RuntimeError(f"verl's weight socket is called {handle}, without {_VERLS}: verl is not 0.9.1?")
    return handle.replace(_VERLS, f"{_VERLS}{attempt}-")


class AttemptServerAdapter(ServerAdapter):
    """The actor's end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zmq_handle = of_this_attempt(self.zmq_handle)


class AttemptWorkerExtension(vLLMColocateWorkerExtension):
    """vLLM's end; chosen by rollout.engine_kwargs.vllm.worker_extension_cls."""

    model_runner: Any  # vLLM's

    def _get_zmq_handle(self) -> str:
        return of_this_attempt(super()._get_zmq_handle())

    def weight_numbers(self, names: list[str]) -> dict[str, tuple[int, list[str]]]:
        """What this worker's model holds, for checked_transfers.py; see `weight_sums.numbers_of`."""
        return weight_sums.numbers_of(self.model_runner.get_model(), names)
