"""The only subclass of a verl trainer, selected by `trainer.v1.trainer_mode=rlvr`."""

from typing import Any

from omegaconf import DictConfig, open_dict
from verl.trainer.ppo.v1.trainer_base import register_trainer
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync

from losses.metrics import mean_weights


@register_trainer("rlvr")
class RecipeTrainer(PPOTrainerSync):
    """verl's synchronous trainer, plus metrics that exist only once an update is reduced over ranks."""

    def __init__(self, config: DictConfig) -> None:
        poll_interval = config.trainer.v1.rlvr.poll_interval
        with open_dict(config):
            # Any other name makes the base class choose its asynchronous replay buffer (PPOTrainer.__init__).
            config.trainer.v1.trainer_mode = "sync"
        super().__init__(config)
        # A constructor default of 2 s that the config can't reach (replay_buffer.py): generation is rounded up to it.
        self.replay_buffer.poll_interval = poll_interval

    def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
        batch = super()._update_actor(batch, metrics)
        metrics.update(mean_weights(metrics))
        return batch
