"""One server is asked without a balancer; of several, the balancer chooses."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from verl.workers.rollout.llm_server import LLMServerClient, LLMServerManager
from verl.workers.rollout.replica import TokenOutput

from recipes.config.compose import compose
from recipes.plugin.rollout.single_server import SingleServerClient, client_of


class Remote:
    """A method of a Ray actor that notes its calls."""

    def __init__(self, answer: Any) -> None:
        self.calls: list[dict[str, Any]] = []
        self._answer = answer

    async def remote(self, **given: Any) -> Any:
        self.calls.append(given)
        return self._answer


def servers(count: int, **rollout: Any) -> Any:
    """A manager that has started `count` servers."""
    manager: Any = object.__new__(LLMServerManager)
    manager.config, manager.rollout_config = compose(["experiment=quickstart"]), {"router_config_path": None} | rollout
    manager.server_addresses = [f"host:{i}" for i in range(count)]
    output = TokenOutput(token_ids=[1, 2], log_probs=[-0.5, -0.5], extra_fields={"global_steps": 7})
    manager.server_handles = [SimpleNamespace(generate=Remote(output)) for _ in range(count)]
    manager.global_load_balancer = None  # whoever asks it fails
    return manager


def test_the_only_server_answers_and_nobody_else_is_asked() -> None:
    manager = servers(1)
    client = client_of(manager)
    assert type(client) is SingleServerClient
    output = asyncio.run(client.generate("request", prompt_ids=[5], sampling_params={"top_k": -1}))
    assert output.token_ids == [1, 2] and output.extra_fields["min_global_steps"] == 7
    (call,) = manager.server_handles[0].generate.calls
    assert call["prompt_ids"] == [5] and call["sampling_params"] == {"top_k": -1}


@pytest.mark.parametrize("manager", [servers(2), servers(1, router_config_path="mine.yaml")])
def test_several_servers_or_a_router_of_the_users_are_verls_business(manager: Any) -> None:
    assert type(client_of(manager)) is LLMServerClient
