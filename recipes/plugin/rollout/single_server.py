"""verl's client of the vLLM servers, for runs that have one.

verl asks an actor of its own which server to take, and tells it when the response is there: two calls per response, and
the answer holds a handle that takes longer to unpack than the call (docs/speed.md). With one server there is nothing to
balance.
"""

from typing import Any

from verl.workers.rollout.llm_server import LLMServerClient, LLMServerManager


class SingleServerClient(LLMServerClient):
    """Sends every request to one server.

    Args:
        server: its address and its actor.
        given: see verl's LLMServerClient.
    """

    def __init__(self, *, server: tuple[str, Any], **given: Any) -> None:
        super().__init__(**given)
        self._server = server

    async def _acquire_server(self, request_id: str, **extra: Any) -> tuple[str, Any]:
        return self._server

    def _release_server(self, server_id: str, request_id: str | None = None) -> None:
        pass


def client_of(servers: LLMServerManager) -> LLMServerClient:
    """The client for servers that stay the same; verl's own where there are several, or a router of the user's."""
    if len(servers.server_handles) > 1 or servers.rollout_config.get("router_config_path"):
        return servers.get_client()
    server = (servers.server_addresses[0], servers.server_handles[0])
    return servers.get_client(client_cls=SingleServerClient, server=server)
