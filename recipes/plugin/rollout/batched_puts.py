"""Responses on their way to TransferQueue: those that meet travel together.

verl's agent loop stores every response by itself, with four messages to two other processes. Where responses are short
that is a good part of generation (docs/speed.md). Here a response that finds the way free is sent at once; those that
come meanwhile go together when it has arrived.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from verl.utils.tensordict_utils import list_of_dict_to_tensordict


@dataclass(frozen=True)
class _Put:
    keys: list[str]
    partition_id: str
    fields: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    arrived: "asyncio.Future[None]"


class BatchedQueue:
    """TransferQueue's module with a put of rows that waits for others; everything else is handed on.

    Args:
        queue: the module `transfer_queue`.
    """

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._waiting: list[_Put] = []
        self._sender: asyncio.Task[None] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    async def async_kv_batch_put(
        self, keys: list[str], partition_id: str, fields: list[dict[str, Any]], tags: list[dict[str, Any]]
    ) -> None:
        """Store rows; returns when they are stored.

        Args:
            keys: of the rows.
            partition_id: where.
            fields: field → value, of each row.
            tags: of each row.

        Raises:
            Exception: what TransferQueue raises for the rows that were sent together.
        """
        put = _Put(keys, partition_id, fields, tags, asyncio.get_running_loop().create_future())
        self._waiting.append(put)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        await put.arrived

    async def _send(self) -> None:
        while self._waiting:
            # Rows that are stored together have the same fields.
            groups: dict[Any, list[_Put]] = defaultdict(list)
            for put in self._waiting:
                groups[put.partition_id, tuple(sorted(put.fields[0]))].append(put)
            self._waiting = []
            for (partition_id, _), puts in groups.items():
                try:
                    await self._queue.async_kv_batch_put(
                        keys=[key for put in puts for key in put.keys],
                        partition_id=partition_id,
                        fields=list_of_dict_to_tensordict([row for put in puts for row in put.fields]),
                        tags=[tag for put in puts for tag in put.tags],
                    )
                except Exception as error:  # whoever waits for these rows raises it
                    _end(puts, error)
                else:
                    _end(puts, None)


def _end(puts: list[_Put], error: Exception | None) -> None:
    for put in puts:
        if put.arrived.done():  # its response was cancelled
            continue
        if error is None:
            put.arrived.set_result(None)
        else:
            put.arrived.set_exception(error)
