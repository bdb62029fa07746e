"""A worker of vLLM that loses one bucket of the second transfer of weights and says nothing.

The first transfer comes before the first step, the second after it.
"""

from typing import Any

from recipes.plugin.cpu.vllm_worker import CPUWorkerExtension


class LosingWorkerExtension(CPUWorkerExtension):
    """Chosen by rollout.engine_kwargs.vllm.worker_extension_cls, as ours is."""

    transfers = buckets = 0

    def update_weights_from_ipc(self, *args: Any, **options: Any) -> None:
        """One transfer."""
        self.transfers, self.buckets = self.transfers + 1, 0
        super().update_weights_from_ipc(*args, **options)

    def _update_weights(self, weights: Any, *args: Any, **options: Any) -> None:
        self.buckets += 1
        if (self.transfers, self.buckets) != (2, 2):
            super()._update_weights(weights, *args, **options)
