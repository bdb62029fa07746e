"""The only subclass of a verl trainer, selected by `trainer.v1.trainer_mode=rlvr`."""

import recipes.plugin  # noqa: F401 (first: it chooses verl's platform, which the imports below ask for)

# isort: split
from typing import Any

import ray
from omegaconf import DictConfig, open_dict
from verl.trainer.ppo.v1.trainer_base import register_trainer
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.workers.engine_workers import ActorRolloutRefWorker

from losses.metrics import mean_weights
from recipes import method_checks
from recipes.actor_worker import RecipeActorWorker
from recipes.ray_actors import plain_class

POLL_INTERVAL = 0.2  # seconds


@register_trainer("rlvr")
class RecipeTrainer(PPOTrainerSync):
    """verl's synchronous trainer with our actor worker, and metrics that exist only once an update is reduced.

    Methods whose loss needs more than verl hands to it (losses/extras.py) work under this trainer only.
    """

    def __init__(self, config: DictConfig) -> None:
        # Under a verl command of the user's own nothing else checks what belongs to the method.
        method_checks.check_method(config)
        poll_interval = config.trainer.v1.get("rlvr", {}).get("poll_interval", POLL_INTERVAL)
        with open_dict(config):
            # Any other name makes the base class choose its asynchronous replay buffer (PPOTrainer.__init__).
            config.trainer.v1.trainer_mode = "sync"
        super().__init__(config)
        # A constructor default of 2 s that the config can't reach (replay_buffer.py): generation is rounded up to it.
        self.replay_buffer.poll_interval = poll_interval

    def _init_resource_pool_mgr(self) -> None:
        super()._init_resource_pool_mgr()
        for role, worker in self.role_worker_mapping.items():
            if issubclass(plain_class(worker), ActorRolloutRefWorker):
                self.role_worker_mapping[role] = ray.remote(RecipeActorWorker)

    def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
        batch = super()._update_actor(batch, metrics)
        metrics.update(mean_weights(metrics))
        return batch
