"""How long vLLM takes for its share of a rollout batch: continuous batching, decode step by decode step.

A decode step reads all weights and the KV cache of all running sequences once and multiplies each sequence's token with
all weights: it takes the longer of the two (roofline; Pope et al., arXiv 2211.05102, section 2), plus a fixed overhead.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from recipes.config.hardware import GPU
from recipes.inputs.architecture import Architecture
from recipes.plan import lengths
from recipes.plan.efficiency import Efficiency
from recipes.plan.memory import kv_tokens
from recipes.plan.sizes import Workload


@dataclass(frozen=True)
class Engine:
    """A vLLM engine, as fast as its roofline.

    Attributes:
        slots: sequences that run at once.
        weights, per_token: bytes read per decode step, and per step and token in the KV cache; per GPU.
        compute: seconds of multiplication per sequence and step.
        bandwidth: bytes per second reached.
        overhead: seconds per step.
        prefill: seconds per prompt.
        prompt: tokens.
    """

    slots: int
    weights: float
    per_token: float
    compute: float
    bandwidth: float
    overhead: float
    prefill: float
    prompt: int

    def step(self, running: float, context: float) -> float:
        """Seconds of one decode step with `running` sequences of `context` tokens in all."""
        read = (self.weights + self.per_token * context) / self.bandwidth
        return max(read, self.compute * running) + self.overhead

    def seconds(self, drawn: np.ndarray) -> float:
        """Until the longest of these responses ends; the rest of the batch waits for it.

        Between two ends the number of sequences is constant and the context grows evenly, so its middle stands for all
        steps between them. A sequence that waits starts as soon as another ends.
        """
        waiting = drawn[::-1].tolist()
        running: list[tuple[int, int]] = []  # step at which it ends, length
        now, context, seconds = 0, 0.0, 0.0
        while waiting or running:
            while waiting and len(running) < self.slots:
                length = waiting.pop()
                heapq.heappush(running, (now + length, length))
                context += self.prompt
                seconds += self.prefill
            ends, length = heapq.heappop(running)
            steps, count = ends - now, len(running) + 1
            seconds += steps * self.step(count, context + count * steps / 2)
            context += count * steps - (self.prompt + length)
            now = ends
        return seconds

    def rate(self, mean: float, second: float) -> float:
        """Tokens per second when no slot is ever empty.

        A running sequence is more often a long one: seen at a random time its mean age is E[L²]/(2·E[L]).
        """
        step = self.step(self.slots, self.slots * (self.prompt + second / (2 * mean)))
        return self.slots / (step + self.slots * self.prefill / mean)


def engine(model: Architecture, gpu: GPU, workload: Workload, mean: float, efficiency: Efficiency) -> Engine:
    """The engine of a workload, for responses of `mean` tokens."""
    parallel, number = workload.tensor_parallel, workload.rollout_bytes
    age = lengths.second_moment(mean, workload.response_limit) / (2 * mean)
    fewest, most = kv_tokens(model, gpu, workload)
    room = max(fewest + efficiency.cache * (most - fewest), workload.longest)
    context = workload.mean_prompt + age
    prompt_flops = model.forward_flops(workload.mean_prompt, workload.mean_prompt**2)
    return Engine(
        slots=max(1, min(workload.max_sequences, int(room / context))),
        weights=model.matrices * number / parallel,
        per_token=model.key_value_width * number / parallel,
        compute=(2 * model.matrices + 4 * context * model.query * model.layers)
        / (parallel * gpu.bf16_flops * efficiency.prefill),
        bandwidth=gpu.bandwidth * efficiency.decoding,
        overhead=efficiency.token,
        prefill=prompt_flops / (parallel * gpu.bf16_flops * efficiency.prefill),
        prompt=workload.mean_prompt,
    )


def batch_seconds(one: Engine, drawn: np.ndarray, engines: int, at_most: int = 64) -> float:
    """Until the last of all engines is done with a rollout batch, responses dealt out evenly.

    Args:
        one: an engine.
        drawn: lengths of the batch.
        engines: how many there are.
        at_most: engines to simulate, those with the most tokens.
    """
    shares = [drawn[rank::engines] for rank in range(min(engines, len(drawn)))]
    shares.sort(key=lambda share: -share.sum())
    return max(one.seconds(share) for share in shares[:at_most])
