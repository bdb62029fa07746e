"""verl's agent-loop worker without the part of its work that is the same for every response.

Chosen by `actor_rollout_ref.rollout.agent.agent_loop_manager_class`. For each response verl has Hydra build a new loop
object, with a tokenizer wrapper of its own and a merged copy of the arguments: a third of the worker's time where
responses are short (docs/speed.md). A single-turn loop keeps nothing between two responses, so one serves
all. And responses that are ready at the same time are stored together (recipes/plugin/rollout/batched_puts.py).
"""

from typing import Any

import hydra
import ray
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, ToolListWrap, _agent_loop_registry
from verl.trainer.ppo.v1 import AgentLoopManagerTQ, AgentLoopWorkerTQ, agent_loop_tq
from verl.utils.rollout_trace import RolloutTraceConfig

from recipes.plugin.ray_actors import plain_class
from recipes.plugin.rollout.batched_puts import BatchedQueue

SINGLE_TURN = "single_turn_agent"
_VerlWorker: Any = plain_class(AgentLoopWorkerTQ)


class AgentLoopWorker(_VerlWorker):
    """Runs single-turn responses through one loop; anything else as verl does."""

    _single_turn: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        store_together()

    async def _run_agent_loop(
        self, sampling_params: dict[str, Any], trajectory: dict[str, Any], *, agent_name: str, **kwargs: Any
    ) -> Any:
        trace = kwargs.pop("trace", True)
        if agent_name != SINGLE_TURN or RolloutTraceConfig.get_backend() is not None:
            return await super()._run_agent_loop(
                sampling_params, trajectory, agent_name=agent_name, trace=trace, **kwargs
            )
        if self._single_turn is None:
            self._single_turn = self._new_loop(agent_name)
        output = await self._single_turn.run(sampling_params, **kwargs)
        return await self._agent_loop_postprocess(output, trajectory["validate"], **kwargs)

    def _new_loop(self, agent_name: str) -> Any:
        """A loop as verl builds one for each response; to be called inside the event loop, which it remembers."""
        return hydra.utils.instantiate(
            config=_agent_loop_registry[agent_name],
            trainer_config=DictConfigWrap(config=self.config),
            server_manager=self.llm_client,
            tokenizer=self.tokenizer,
            processor=self.processor,
            hf_model_type=self.hf_model_type,
            dataset_cls=self.dataset_cls,
            data_config=DictConfigWrap(self.config.data),
            tools=ToolListWrap(self.tools),
        )


def store_together() -> None:
    """Have verl's agent loops in this process store their responses through a BatchedQueue.

    verl's function stores where it builds the rows, through these two names of its module.
    """
    module: Any = agent_loop_tq
    module.tq = BatchedQueue(module.tq)
    module.list_of_dict_to_tensordict = list  # the queue does it, for all rows at once


class AgentLoopManager(AgentLoopManagerTQ):
    """verl's manager with the worker above."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(AgentLoopWorker)
