"""Samples from verl's own rollout servers: one vLLM engine per tensor-parallel group, on all GPUs of the cluster."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from recipes.common.private_ray import join_or_start

# Requests under way per engine, as a multiple of what it decodes at once: it never waits for the next one.
AHEAD = 2


@dataclass(frozen=True)
class Request:
    """One sample to be drawn.

    Attributes:
        key: (benchmark, problem, sample).
        prompt: token ids.
        seed: of this sample alone, so that a continued evaluation draws the same ones; None: the engine's.
    """

    key: tuple[str, str, int]
    prompt: list[int]
    seed: int | None


@dataclass(frozen=True)
class Sample:
    """Token ids of a response, without what the prompt holds."""

    request: Request
    tokens: list[int]


def rollout_config(config: DictConfig, seed: int) -> DictConfig:
    """The config with verl's rollout section set for drawing these samples.

    Args:
        config: resolved evaluation config.
        seed: of the first engine; verl counts up from there.
    """
    settings, rollout = config.eval, config.actor_rollout_ref.rollout
    with open_dict(config):
        rollout.load_format = "auto"  # no actor will send weights
        rollout.prompt_length, rollout.response_length = settings.max_prompt_tokens, settings.max_response_tokens
        rollout.max_model_len = settings.max_prompt_tokens + settings.max_response_tokens
        rollout.calculate_log_probs = False
        rollout.seed = seed
        if config.hardware.device != "cpu":
            rollout.gpu_memory_utilization = settings.gpu_memory_utilization  # nothing else lives on the GPU
        else:
            # vLLM draws a token after each part of a prompt that it takes in parts, and turns the seed of its request
            # back, which torch can on GPUs only (vllm/v1/worker/gpu_model_runner.py, set_offset).
            rollout.enable_chunked_prefill = False
            # vLLM then asks that a batch has room for the longest sequence.
            rollout.max_num_batched_tokens = max(rollout.max_num_batched_tokens, rollout.max_model_len)
    return config


def start_ray(config: DictConfig) -> None:
    """Connect to Ray as verl's training does."""
    import ray
    from verl.trainer.constants_ppo import get_ppo_ray_runtime_env

    join_or_start(config)
    arguments = config.ray_kwargs.ray_init
    environment = OmegaConf.merge(get_ppo_ray_runtime_env(config), arguments.get("runtime_env") or {})
    plain: Any = OmegaConf.to_container(OmegaConf.create({**arguments, "runtime_env": environment}))
    ray.init(**plain)


async def start_servers(config: DictConfig) -> list[Any]:
    """One server per tensor-parallel group; returns their Ray actors."""
    from verl.workers.rollout.replica import get_rollout_replica_class

    rollout = config.actor_rollout_ref.rollout
    count = config.trainer.nnodes * config.trainer.n_gpus_per_node // rollout.tensor_model_parallel_size
    replica = get_rollout_replica_class(rollout.name)
    replicas = [
        replica(
            replica_rank=rank,
            config=rollout,
            model_config=config.actor_rollout_ref.model,
            gpus_per_node=config.trainer.n_gpus_per_node,
        )
        for rank in range(count)
    ]
    await asyncio.gather(*(one.init_standalone() for one in replicas))
    return [one.server_handle for one in replicas]


async def generate(
    config: DictConfig,
    requests: Sequence[Request],
    started: Callable[[int], None],
    done: Callable[[Sample], None],
) -> None:
    """Draw all samples.

    Args:
        config: see `rollout_config`; Ray runs already.
        requests: what to draw.
        started: called with the number of engines when they are ready.
        done: called with each sample as it is finished, in any order.
    """
    servers = await start_servers(config)
    started(len(servers))
    settings = config.eval
    width = AHEAD * config.actor_rollout_ref.rollout.max_num_seqs
    waiting = iter(requests)

    async def work(server: Any) -> None:
        for request in waiting:  # shared by all workers: each takes the next one
            parameters = {name: settings[name] for name in ("temperature", "top_p", "top_k")}
            parameters["max_tokens"] = settings.max_response_tokens
            if request.seed is not None:
                parameters["seed"] = request.seed
            output = await server.generate.remote(request.prompt, parameters, "-".join(map(str, request.key)))
            if output.stop_reason == "aborted":
                raise RuntimeError(f"vLLM aborted the request {request.key}")
            done(Sample(request, list(output.token_ids)))

    each = min(width, -(-len(requests) // len(servers)))
    await asyncio.gather(*(work(server) for server in servers for _ in range(each)))
