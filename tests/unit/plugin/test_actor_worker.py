"""The actor gets the tensors of a batch; π_old of separate_async survives updates where verl's snapshot would not."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard
from transfer_queue import KVBatchMeta
from verl.experimental.separation.engine_workers import DetachActorWorker

from recipes.plugin import actor_worker
from recipes.plugin.actor_worker import SnapshotActorWorker


@pytest.fixture
def module(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    mesh = dist.init_device_mesh("cpu", (1,))
    built = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    fully_shard(built[0], mesh=mesh)
    yield fully_shard(built, mesh=mesh, reshard_after_forward=False)
    dist.destroy_process_group()


def handlers(kind: type, module: torch.nn.Module):
    worker = kind.__new__(kind)
    worker.config = SimpleNamespace(actor=SimpleNamespace(strategy="fsdp2"))
    worker._strategy_handlers = None
    return worker.copy_handler, worker.restore_handler


def values(module: torch.nn.Module) -> list[torch.Tensor]:
    module.reshard()
    return [parameter.full_tensor().detach().clone() for parameter in module.parameters()]


def step_with_old_policy(save, restore, module) -> list[torch.Tensor]:
    """verl's second mini-batch: parameters have moved, π_old computes log-probs, then training goes on."""
    old = save(module)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1.0)
    current = save(module)
    restore(module, *old)
    with torch.no_grad():
        module(torch.ones(1, 2))  # leaves the root gathered, since it does not reshard after a forward pass
    found = values(module)
    restore(module, *current)
    return found


def test_the_old_policy_comes_back_and_the_updates_are_kept(module) -> None:
    before = values(module)
    found = step_with_old_policy(*handlers(SnapshotActorWorker, module), module)
    assert all(torch.equal(one, other) for one, other in zip(found, before, strict=True))
    assert all(torch.equal(one, other + 1) for one, other in zip(values(module), before, strict=True))


def worker_with(save, restore) -> SnapshotActorWorker:
    worker = SnapshotActorWorker.__new__(SnapshotActorWorker)
    worker._strategy_handlers = (save, restore)
    return worker


def test_a_copy_that_is_under_way_is_waited_for(module, monkeypatch) -> None:
    """param_offload copies without waiting: until it is synchronised, the CPU's memory holds anything."""
    first = next(module.parameters())

    def arrive() -> None:
        first.to_local().data.fill_(7.0)

    device = SimpleNamespace(synchronize=arrive)
    monkeypatch.setattr(actor_worker, "get_torch_device", lambda: device)
    save, restore = handlers(SnapshotActorWorker, module)
    shards, layout = save(module)
    assert torch.equal(next(iter(shards.values()))[0], torch.full_like(first.to_local(), 7.0))
    monkeypatch.setattr(actor_worker, "get_torch_device", lambda: SimpleNamespace(synchronize=lambda: seen.append(1)))
    seen: list[int] = []
    restore(module, shards, layout)
    assert seen, "a copy that arrives after restoring would undo it"


def test_what_came_off_a_gpu_is_not_copied_twice(module) -> None:
    fresh = torch.ones(3)
    mine = next(module.parameters()).to_local()
    save = worker_with(lambda _: ({"fresh": (fresh, None), "mine": (mine, None)}, None), None).copy_handler
    shards, _ = save(module)
    assert shards["fresh"][0] is fresh
    assert shards["mine"][0].data_ptr() != mine.data_ptr()


def test_verls_own_snapshot_is_no_copy_here(module) -> None:
    """Why SnapshotActorWorker exists; it can go when this fails."""
    before = values(module)
    found = step_with_old_policy(*handlers(DetachActorWorker, module), module)
    assert not all(torch.equal(one, other) for one, other in zip(found, before, strict=True))


SCHEMA = {name: {"is_non_tensor": False} for name in ("input_ids", "advantages", "rm_scores")} | {
    name: {"is_non_tensor": True} for name in ("raw_prompt", "extra_fields", "multi_modal_inputs")
}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def kv_retrieve_meta(keys: list[str], partition_id: str, create: bool) -> Any:
        assert (keys, partition_id, create) == (["a"], "train", False)
        return SimpleNamespace(field_schema=SCHEMA)

    client = SimpleNamespace(kv_retrieve_meta=kv_retrieve_meta)
    monkeypatch.setattr(actor_worker.tq, "get_client", lambda: client)


@pytest.mark.usefixtures("queue")
# Whatever an earlier narrowing left: the advantages came after it.
@pytest.mark.parametrize("fields", [None, list(SCHEMA), ["input_ids", "raw_prompt"]])
def test_tensors_stay(fields: list[str] | None) -> None:
    batch = KVBatchMeta(keys=["a", "b"], tags=[{}, {}], partition_id="train", fields=fields, extra_info={"t": 1})
    found = actor_worker.narrowed(batch)
    assert set(found.fields or []) == {"input_ids", "advantages", "rm_scores", "multi_modal_inputs"}
    assert (found.keys, found.tags, found.extra_info) == (batch.keys, batch.tags, batch.extra_info)
    assert batch.fields == fields
