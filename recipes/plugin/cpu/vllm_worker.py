"""vLLM's worker extension on a CPU: weights that can be updated, received by copy.

Selected by `actor_rollout_ref.rollout.engine_kwargs.vllm.worker_extension_cls` in configs/hardware/cpu.yaml; it
subclasses the one of all other hardware.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from verl.workers.rollout.vllm_rollout import bucketed_weight_transfer

from recipes.plugin.rollout.weight_socket import AttemptWorkerExtension

LOOK_INTERVAL = 5e-4  # seconds; a step of a small model takes some ten milliseconds


def keep_plain_linear_layers() -> None:
    """Stop vLLM from prepacking linear weights.

    vllm/model_executor/layers/utils.py (dispatch_cpu_unquantized_gemm) packs weights for oneDNN at load time and
    replaces the originals by empty parameters, so that a later weight update fails with "'Parameter' object has no
    attribute 'weight_loader'".
    """
    from vllm.model_executor.layers import utils

    def plain_linear(layer: Any, remove_weight: bool) -> None:
        layer.cpu_linear = torch.nn.functional.linear

    utils.dispatch_cpu_unquantized_gemm = plain_linear


def wait_without_spinning() -> None:
    """Let the worker sleep between two looks for the engine's next step.

    vllm/distributed/device_communicators/shm_broadcast.py (SpinCondition) looks again and again for a second after each
    message and calls sched_yield in between, for the microseconds that a GPU would wait otherwise. Here that takes one
    of a laptop's cores from those who prepare the next step. Going to its socket at once is no way out: announcements
    get lost there, and vLLM looks again after five seconds.
    """
    from vllm.distributed.device_communicators import shm_broadcast

    shm_broadcast.sched_yield = lambda: time.sleep(LOOK_INTERVAL)


_Weights = list[tuple[str, torch.Tensor]]


class CopyingReceiver(bucketed_weight_transfer.BucketedWeightReceiver):
    """Hands out copies of the received tensors.

    verl's receiver calls `tensor.to(device)`, which on a CPU returns a view of the shared memory; when that memory is
    closed while a view is alive, Python raises "BufferError: cannot close exported pointers exist".
    """

    def receive_weights(self, on_bucket_received: Callable[[_Weights, bool], Any]) -> None:
        def copy_first(weights: _Weights, is_last: bool) -> None:
            on_bucket_received([(name, tensor.clone()) for name, tensor in weights], is_last)

        super().receive_weights(copy_first)


class CPUWorkerExtension(AttemptWorkerExtension):
    """The worker extension with the seams above put in before the model is loaded and the engine is listened to."""

    def __new__(cls, **kwargs: Any) -> "CPUWorkerExtension":
        keep_plain_linear_layers()
        wait_without_spinning()
        # update_weights_from_ipc imports the receiver from its module at call time.
        bucketed_weight_transfer.BucketedWeightReceiver = CopyingReceiver  # type: ignore[misc]
        return super().__new__(cls, **kwargs)
