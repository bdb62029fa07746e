"""verl's vLLM server, which ends when its engine does.

vLLM's engine is a process of its own. When it dies, verl's server answers requests with an error and lives on, so Ray
does not know; whoever sends weights to the engine then waits for ever. With the server,
recipes.plugin.vitals ends the run.
"""

import asyncio
import os
import sys
from typing import Any

import ray
from verl.workers.rollout.vllm_rollout.vllm_async_server import vLLMHttpServer, vLLMReplica

INTERVAL = 2.0  # seconds


class WatchedServer(vLLMHttpServer):
    """One vLLM server; a Ray actor."""

    async def run_server(self, args: Any) -> None:
        """Start the engine, and look after it from then on."""
        await super().run_server(args)
        self._watch = asyncio.create_task(self._end_with_engine())

    async def held_numbers(self, names: list[str]) -> Any:
        """Of each worker what its model holds, for checked_transfers.py; verl's `collective_rpc` drops the answer."""
        return await self.engine.collective_rpc("weight_numbers", args=(names,))

    async def _end_with_engine(self) -> None:
        while not self.engine.errored:
            await asyncio.sleep(INTERVAL)
        print("DeadEngineError: vLLM's engine has died; so this server ends.", file=sys.stderr, flush=True)
        os._exit(1)


class WatchedReplica(vLLMReplica):
    """verl's replica with servers of that kind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.server_class = ray.remote(WatchedServer)
