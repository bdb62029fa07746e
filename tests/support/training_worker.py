"""verl's training worker as in a training's actor process; one rank, no Ray. For a process of a test's own."""

import os
from typing import Any

import torch
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import TrainingWorkerConfig

from recipes.config import compose
from recipes.plugin.actor_worker import RecipeTrainingWorker

RANK = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}


def built(model: str, words: list[str], role: str = "actor") -> tuple[Any, RecipeTrainingWorker]:
    """Config of the role (actor or ref) and its worker, the model loaded.

    Args:
        model: folder of the weights.
        words: overrides.
    """
    os.environ.update(RANK)
    config = compose.resolved(compose.compose([f"actor_rollout_ref.model.path={model}", "hardware=cpu", *words]))
    section = config.actor_rollout_ref[role]
    section.fsdp_config.strategy = section.strategy
    engine = omega_conf_to_dataclass(section.fsdp_config)
    if role == "actor":  # as verl's worker of actor and rollout says it
        engine.use_dynamic_bsz, engine.micro_batch_size_per_gpu = False, section.ppo_micro_batch_size_per_gpu
    worker = RecipeTrainingWorker(
        TrainingWorkerConfig(
            model_type="language_model",
            model_config=omega_conf_to_dataclass(config.actor_rollout_ref.model),
            engine_config=engine,
            optimizer_config=omega_conf_to_dataclass(section.optim) if role == "actor" else None,
            checkpoint_config=omega_conf_to_dataclass(config.actor_rollout_ref.actor.checkpoint),
        )
    )
    worker.reset()
    return section, worker


def jagged(rows: list[list[Any]]) -> torch.Tensor:
    """Rows of different lengths, (B, *)."""
    return torch.nested.as_nested_tensor([torch.tensor(row) for row in rows], layout=torch.jagged)
