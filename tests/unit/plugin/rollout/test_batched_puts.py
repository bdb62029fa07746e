"""Responses that meet on their way to TransferQueue arrive as they would one by one."""

import asyncio
from typing import Any

import pytest
import torch
from verl.trainer.ppo.v1 import agent_loop_tq
from verl.utils.tensordict_utils import list_of_dict_to_tensordict

from recipes.plugin.rollout import agent_loops
from recipes.plugin.rollout.batched_puts import BatchedQueue


class Queue:
    """A TransferQueue that is slow, notes every put, and may refuse a key."""

    other = "handed on"

    def __init__(self, refused: str = "") -> None:
        self.puts: list[dict[str, Any]] = []
        self._refused = refused

    async def async_kv_batch_put(self, **put: Any) -> None:
        self.puts.append(put)
        await asyncio.sleep(0.01)
        if self._refused in put["keys"]:
            raise RuntimeError("no room")


def row(length: int, **more: Any) -> dict[str, Any]:
    return {"responses": torch.arange(length), "extra_fields": {"length": length}, **more}


async def put_all(queue: BatchedQueue, rows: list[dict[str, Any]], partition: str = "train") -> list[Any]:
    puts = [
        queue.async_kv_batch_put(keys=[f"k{i}"], partition_id=partition, fields=[row], tags=[{"tag": i}])
        for i, row in enumerate(rows)
    ]
    return await asyncio.gather(*puts, return_exceptions=True)


def stored(queue: Queue) -> dict[str, Any]:
    """Key → (partition, tag, fields) of everything that was put."""
    found = {}
    for put in queue.puts:
        for i, key in enumerate(put["keys"]):
            fields = {name: put["fields"][name][i] for name in put["fields"].keys()}  # noqa: SIM118 (a TensorDict)
            found[key] = (put["partition_id"], put["tags"][i], fields)
    return found


def test_the_first_goes_at_once_and_the_others_together() -> None:
    queue = Queue()
    rows = [row(3), row(5), row(5), row(1)]
    assert asyncio.run(put_all(BatchedQueue(queue), rows)) == [None] * 4
    assert [put["keys"] for put in queue.puts] == [["k0", "k1", "k2", "k3"]]  # all were there before it was sent
    for i, (partition, tag, fields) in enumerate(stored(queue).values()):
        assert partition == "train" and tag == {"tag": i}
        assert fields["responses"].tolist() == rows[i]["responses"].tolist()
        assert fields["extra_fields"] == rows[i]["extra_fields"]


def test_what_comes_while_one_is_under_way_waits_for_it() -> None:
    queue = Queue()

    async def one_then_two() -> None:
        batched = BatchedQueue(queue)
        first = asyncio.create_task(put_all(batched, [row(2)]))
        await asyncio.sleep(0.002)
        assert len(queue.puts) == 1
        await put_all(batched, [row(1), row(4)])
        await first

    asyncio.run(one_then_two())
    assert [put["keys"] for put in queue.puts] == [["k0"], ["k0", "k1"]]


def test_rows_of_other_fields_and_partitions_go_apart() -> None:
    queue = Queue()
    batched = BatchedQueue(queue)

    async def both() -> None:
        rows = [row(2), row(2, rollout_log_probs=torch.zeros(2)), row(3)]
        await asyncio.gather(put_all(batched, rows), put_all(batched, [row(1)], "val"))

    asyncio.run(both())
    assert sorted((put["partition_id"], put["keys"]) for put in queue.puts) == [
        ("train", ["k0", "k2"]),
        ("train", ["k1"]),
        ("val", ["k0"]),
    ]
    assert batched.other == "handed on"


def test_a_refused_put_is_raised_where_its_rows_are_waited_for_and_nowhere_else() -> None:
    queue = Queue(refused="k0")

    async def two_batches() -> tuple[list[Any], list[Any]]:
        batched = BatchedQueue(queue)
        first = asyncio.create_task(put_all(batched, [row(1)]))
        await asyncio.sleep(0.002)
        second = asyncio.create_task(
            batched.async_kv_batch_put(keys=["k9"], partition_id="train", fields=[row(1)], tags=[{}])
        )
        return await first, [await second]

    (error,), after = asyncio.run(two_batches())
    assert isinstance(error, RuntimeError) and after == [None]


def test_a_cancelled_response_does_not_hold_up_the_others() -> None:
    queue = Queue()

    async def one_is_cancelled() -> list[Any]:
        batched = BatchedQueue(queue)
        waiting = [asyncio.create_task(put_all(batched, [row(1)])) for _ in range(2)]
        await asyncio.sleep(0.002)
        waiting[0].cancel()
        return await waiting[1]

    assert asyncio.run(one_is_cancelled()) == [None]


def test_verls_agent_loop_stores_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_loop_tq, "tq", Queue())
    monkeypatch.setattr(agent_loop_tq, "list_of_dict_to_tensordict", list_of_dict_to_tensordict)
    agent_loops.store_together()
    assert isinstance(agent_loop_tq.tq, BatchedQueue)
    # As verl's _agent_loop_postprocess ends:
    fields: Any = agent_loop_tq.list_of_dict_to_tensordict([row(3)])
    put = agent_loop_tq.tq.async_kv_batch_put
    asyncio.run(put(keys=["k"], fields=fields, tags=[{}], partition_id="val"))
    (sent,) = agent_loop_tq.tq._queue.puts
    alone = list_of_dict_to_tensordict([row(3)])
    assert sent["fields"]["responses"].equal(alone["responses"]) and sent["partition_id"] == "val"
