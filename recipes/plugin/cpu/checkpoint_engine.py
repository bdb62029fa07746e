"""Weights from the trainer to processes that only generate, over gloo: verl's own engines need CUDA or RDMA.

verl: `trainer.v1.trainer_mode=separate_async` refuses the colocated engine (trainer_separate_async.py), and its nccl
engine allocates with cupy (checkpoint_engine/nccl_checkpoint_engine.py). Loaded in every worker through
`checkpoint_engine.custom_backend_module` and chosen by `checkpoint_engine.backend=gloo` (configs/hardware/cpu.yaml).

Actor rank 0 broadcasts tensor by tensor to all ranks of all servers. The group lives for one transfer, so that a server
that has died does not block the next one for ever.
"""

import pickle
from collections.abc import AsyncGenerator, Iterable
from datetime import timedelta
from typing import Any

import ray
import torch
import torch.distributed as dist
from verl.checkpoint_engine.base import CheckpointEngine, CheckpointEngineRegistry

from recipes.plugin.bound_store import BoundStore

TIMEOUT = timedelta(minutes=10)

Address = tuple[str, int]


@CheckpointEngineRegistry.register("gloo")
class GlooCheckpointEngine(CheckpointEngine):
    """One sender, many receivers.

    Args:
        bucket_size: bytes; not used, since every tensor travels by itself.
        is_master: whether this is actor rank 0, which sends.
    """

    def __init__(self, bucket_size: int, is_master: bool = False) -> None:
        self.is_master = is_master
        self.store: dist.TCPStore | None = None
        self.group: Any = None  # ProcessGroupGloo

    def prepare(self) -> Any:
        """Open the store at which the group meets; its address, from the sender only."""
        if not self.is_master:
            return None
        host = ray.util.get_node_ip_address().strip("[]")
        self.store = BoundStore(host_name=host, port=0, is_master=True, wait_for_workers=False, timeout=TIMEOUT)
        return host, self.store.port

    @classmethod
    def build_topology(
        cls, actor_wg_world_size: int, rollout_world_size: int, metadata: list[Any]
    ) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Rank 0 is the first actor, −1 the other actors, and the servers' ranks follow."""
        size = 1 + rollout_world_size

        def shared(count: int) -> dict[str, list[Any]]:
            return {"world_size": [size] * count, "address": [metadata[0]] * count}

        actors = {"rank": [0] + [-1] * (actor_wg_world_size - 1), **shared(actor_wg_world_size)}
        return actors, {"rank": list(range(1, size)), **shared(rollout_world_size)}

    def init_process_group(self, rank: int, world_size: int, address: Address) -> None:  # type: ignore[override]
        """Meet the others; a rank below 0 stays outside."""
        if rank < 0:
            return
        if self.store is None:
            self.store = dist.TCPStore(*address, is_master=False, timeout=TIMEOUT)
        self.group = dist.ProcessGroupGloo(self.store, rank, world_size, TIMEOUT)

    def finalize(self) -> None:
        """Leave the group."""
        self.group = self.store = None

    def _broadcast(self, tensor: torch.Tensor) -> torch.Tensor:
        self.group.broadcast(tensor, 0).wait()
        return tensor

    def _send_object(self, content: Any) -> None:
        data = torch.frombuffer(bytearray(pickle.dumps(content)), dtype=torch.uint8)
        self._broadcast(torch.tensor([data.numel()]))
        self._broadcast(data)

    def _received_object(self) -> Any:
        length = int(self._broadcast(torch.zeros(1, dtype=torch.int64)))
        return pickle.loads(self._broadcast(torch.empty(length, dtype=torch.uint8)).numpy().tobytes())

    @torch.no_grad()
    async def send_weights(self, weights: Iterable[tuple[str, torch.Tensor]], global_steps: int | None = None) -> None:
        """Broadcast (name, tensor) pairs; actors outside the group only take part in gathering them."""
        for name, tensor in weights:
            if self.group is not None:
                self._send_object((name, tensor.shape, tensor.dtype))
                self._broadcast(tensor.detach().contiguous())
        if self.group is not None:
            self._send_object(None)

    @torch.no_grad()
    async def receive_weights(  # type: ignore[override]
        self, global_steps: int | None = None
    ) -> AsyncGenerator[tuple[str, torch.Tensor], None]:
        """The pairs that the sender broadcasts."""
        while (header := self._received_object()) is not None:
            name, shape, dtype = header
            yield name, self._broadcast(torch.empty(shape, dtype=dtype))
