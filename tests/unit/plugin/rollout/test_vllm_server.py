"""A vLLM server ends with its engine; benchmarks/kills.py kills real ones."""

import asyncio
from types import SimpleNamespace

import pytest
from verl.workers.rollout.replica import RolloutReplicaRegistry

import recipes.plugin.register  # noqa: F401 (registers)
from recipes.plugin.rollout import vllm_server


def test_verl_takes_our_server() -> None:
    assert RolloutReplicaRegistry.get("vllm") is vllm_server.WatchedReplica


def test_the_server_ends_when_the_engine_has_died(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vllm_server, "INTERVAL", 0.01)
    codes: list[int] = []
    monkeypatch.setattr(vllm_server.os, "_exit", codes.append)
    server = object.__new__(vllm_server.WatchedServer)
    server.engine = SimpleNamespace(errored=False)

    async def look() -> None:
        watch = asyncio.create_task(server._end_with_engine())
        await asyncio.sleep(0.05)
        assert not watch.done() and not codes, "the engine lives"
        server.engine.errored = True
        await asyncio.wait_for(watch, 5)

    asyncio.run(look())
    assert codes == [1]
    assert "DeadEngineError" in capfd.readouterr().err
