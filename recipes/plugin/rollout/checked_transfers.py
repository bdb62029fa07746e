"""After each transfer: vLLM generates with the weights that the trainer has.

A transfer that loses a part goes unnoticed: responses still look sensible, and the difference of log-probabilities
hides in the precision of 16 bits. So both sides are asked for a number per tensor (weight_sums.py), and one that
differs ends the run. Nothing was learnt from such responses yet; a step's checkpoint is written before its transfer.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from verl.checkpoint_engine.base import CheckpointEngineManager
from verl.utils.ray_utils import auto_await

from recipes.plugin.rollout import weight_sums

KEY = "trainer.v1.rlvr.check_weights"


class StaleWeightsError(RuntimeError):
    """vLLM would generate with other weights than the trainer's."""


class CheckedTransfers(CheckpointEngineManager):
    """verl's manager of transfers, which asks both sides afterwards.

    Attributes:
        compared: parameters of vLLM that the last transfer was compared for, over all servers.
        seconds: that it took.
    """

    compared = 0
    seconds = 0.0

    @classmethod
    def of(cls, manager: CheckpointEngineManager) -> "CheckedTransfers":
        """The same transfers, checked.

        Args:
            manager: whose workers are ours (`sent_numbers`), as are its servers (`held_numbers`).
        """
        trainer: Any = manager.actor_wg
        trainer.note_what_is_sent()
        return cls(manager.config, manager.actor_wg, manager.replicas)

    @auto_await
    async def update_weights(self, global_steps: int | None = None) -> Any:
        """Weights to all servers, and the check.

        Raises:
            StaleWeightsError: a server holds something else.
        """
        metrics = await super().update_weights(global_steps)
        began = time.perf_counter()
        trainer: Any = self.actor_wg
        step, sent = trainer.sent_numbers()[0]
        if step != global_steps or not sent:
            raise StaleWeightsError(
                f"The trainer has sent vLLM no weights in the transfer of step {global_steps}.{CURE}"
            )
        asked = [replica.server_handle.held_numbers.remote(list(sent)) for replica in self.replicas]
        held: list[Any] = await asyncio.gather(*asked)
        self.compared = sum(len(workers[0]) for workers in held)
        stop_if_stale(sent, held, global_steps)
        self.seconds = time.perf_counter() - began
        return metrics


CURE = (
    " Nothing can be learnt from responses of such weights, so the run ends; the same command continues from its last "
    f"checkpoint. If vLLM keeps this model's weights in another form, so that it never agrees, write {KEY}=false."
)


def stop_if_stale(sent: dict[str, int], servers: Sequence[Sequence[weight_sums.Held]], step: int | None) -> None:
    """Refuse to go on with servers that hold other weights.

    Args:
        sent: numbers of the trainer's tensors.
        servers: of each server what its workers hold.
        step: of the transfer.

    Raises:
        StaleWeightsError: names the server and the first parameter.
    """
    for server, workers in enumerate(servers):
        if wrong := weight_sums.differing(sent, workers):
            raise StaleWeightsError(
                f"After the transfer of step {step} vLLM does not hold the trainer's weights: {len(wrong)} of "
                f"{len(workers[0])} parameters differ on server {server}, {wrong[0]} the first.{CURE}"
            )
