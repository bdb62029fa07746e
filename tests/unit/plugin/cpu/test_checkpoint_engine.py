"""Weights over gloo: what the sender has, every receiver gets, transfer after transfer."""

import asyncio
import threading

import pytest
import torch
from verl.checkpoint_engine.base import CheckpointEngineRegistry

from recipes.plugin.cpu.checkpoint_engine import GlooCheckpointEngine

WEIGHTS = {
    "matrix": torch.arange(6.0).view(2, 3).T,  # not contiguous
    "bf16": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "scalar": torch.tensor(3.0),
    "empty": torch.empty(0),
}


async def received(engine: GlooCheckpointEngine) -> dict[str, torch.Tensor]:
    return {name: tensor async for name, tensor in engine.receive_weights()}


def transfer(actors: list[GlooCheckpointEngine], servers: list[GlooCheckpointEngine], factor: float) -> list[dict]:
    """As verl's CheckpointEngineManager: prepare, topology, init, send and receive at once, finalize."""
    everyone = [*actors, *servers]
    metadata = [engine.prepare() for engine in everyone]
    topology = GlooCheckpointEngine.build_topology(len(actors), len(servers), metadata)
    arguments = [
        {name: values[place] for name, values in side.items()}
        for side, count in zip(topology, (len(actors), len(servers)), strict=True)
        for place in range(count)
    ]
    found: list[dict] = [{} for _ in everyone]

    def run(place: int) -> None:
        engine = everyone[place]
        engine.init_process_group(**arguments[place])
        if engine in actors:
            asyncio.run(engine.send_weights((name, tensor * factor) for name, tensor in WEIGHTS.items()))
        else:
            found[place] = asyncio.run(received(engine))

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(everyone))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for engine in everyone:
        engine.finalize()
    return found[len(actors) :]


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.util.get_node_ip_address", lambda: "127.0.0.1")


def test_every_server_gets_what_the_first_actor_has_again_and_again() -> None:
    actors = [CheckpointEngineRegistry.new("gloo", bucket_size=1, is_master=place == 0) for place in range(2)]
    servers = [CheckpointEngineRegistry.new("gloo", bucket_size=1) for _ in range(2)]
    for factor in (1.0, -2.0):
        for found in transfer(actors, servers, factor):
            assert list(found) == list(WEIGHTS)
            for name, tensor in WEIGHTS.items():
                assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor * factor)
