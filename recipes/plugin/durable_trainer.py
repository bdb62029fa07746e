"""A verl trainer whose checkpoints are whole, and that saves before it ends when asked to."""

import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from omegaconf import DictConfig, open_dict
from verl.trainer.ppo.v1.trainer_base import PPOTrainer

from recipes.runs import stopping
from recipes.runs.checkpoints import LOADER, Checkpoints
from recipes.runs.manifest import Manifest
from recipes.runs.metrics_file import validation_accuracy
from recipes.runs.stopping import StopFiles


class DurableTrainer(PPOTrainer):
    """To be mixed into one of verl's trainers.

    Attributes:
        can_abandon_steps: whether the weights stay those of the step before while a batch is waited for.
    """

    can_abandon_steps: ClassVar[bool] = False

    def __init__(self, config: DictConfig) -> None:
        self._checkpoints = Checkpoints(Path(config.trainer.default_local_dir).absolute())
        # Beside the checkpoints: the run folder, where the driver asks for an end.
        self._stop = StopFiles(self._checkpoints.path.parent)
        self._unlogged: dict[str, Any] | None = None  # the step's metrics, once there are any
        self._loader_state: Any = None  # where the data loader stood when the last step ended
        self._saved_step = self._dumped_step = 0
        super().__init__(config)
        if self.can_abandon_steps:
            stopping.interrupt_generation(self.replay_buffer, self._stop.asked)

    def fit(self, agent_loop_manager: Any) -> None:
        """Train to the last step, or until asked to stop: then what was learnt is saved first."""
        self._loader_state = self.train_dataloader.state_dict()
        self._saved_step = self.global_steps  # what was loaded
        try:
            super().fit(agent_loop_manager)
        except stopping.Stopped:
            self._abandon_step()

    def on_train_begin(self) -> None:
        """Before the first step."""
        super().on_train_begin()
        if self.config.trainer.save_freq > 0:  # else nobody wants checkpoints, and room for one was not looked for
            self._stop.offer()

    def step(self, metrics: dict[str, Any], timing_raw: dict[str, float]) -> Any:
        """Generation, advantages, updates; remembers what a checkpoint of this step needs to know."""
        began = time.perf_counter()
        batch = super().step(metrics, timing_raw)
        self._unlogged = {"batch": batch, "metrics": metrics, "timing": timing_raw, "began": began}
        return batch

    def on_step_end(self) -> None:
        """After the updates and the checkpoint, if one was due; before validation and logging."""
        if self._stop.asked():
            if self._saved_step != self.global_steps:
                self._save_checkpoint()
            self.total_training_steps = self.global_steps  # verl's loop ends when this step is logged
        self._loader_state = self.train_dataloader.state_dict()
        super().on_step_end()

    def _abandon_step(self) -> None:
        """Save the step before the one that was being generated: the weights are still its own."""
        self.global_steps -= 1
        if self.global_steps > self._saved_step:
            self.checkpoint_manager.abort_replicas()
            self.checkpoint_manager.sleep_replicas()
            self._unlogged = None  # that step is logged
            self._save_checkpoint(self._loader_state)
        self._shutdown_dump_executor()

    def _save_checkpoint(self, loader_state: Any = None) -> None:
        """verl's checkpoint, written aside and published when it is whole; before it the step's responses.

        verl writes these at the end of the step, and a run that dies before would go on without them.

        Args:
            loader_state: of the data loader, if it has gone on since the step.
        """
        trainer = self.config.trainer
        if self._unlogged and trainer.rollout_data_dir:
            self._log_rollout_data(self._unlogged["batch"], {}, trainer.rollout_data_dir)
            for written in self._dump_futures:
                written.result()
        kept, place = trainer.max_actor_ckpt_to_keep, trainer.default_local_dir
        with open_dict(self.config):
            # verl forgets at each start which checkpoints it has written, so it can't be the one to delete old ones.
            trainer.max_actor_ckpt_to_keep, trainer.default_local_dir = None, str(self._checkpoints.staging)
            try:
                super()._save_checkpoint()
            finally:
                trainer.max_actor_ckpt_to_keep, trainer.default_local_dir = kept, place
        if loader_state is not None:
            torch.save(loader_state, self._checkpoints.staged(self.global_steps) / LOADER)
        run = Manifest.within(self._checkpoints.path.parent).content.get("run_id")
        self._checkpoints.publish(self.global_steps, self._row(), run)
        self._saved_step = self.global_steps
        if kept:
            self._checkpoints.prune(kept)

    def _log_rollout_data(self, batch: Any, timing_raw: dict[str, float], rollout_data_dir: str) -> None:
        """verl's dump of the training responses, once per step."""
        if self._dumped_step != self.global_steps:
            super()._log_rollout_data(batch, timing_raw, rollout_data_dir)
            self._dumped_step = self.global_steps

    def _row(self) -> dict[str, float] | None:
        """What the step will log, as far as it is known before validation."""
        if self._unlogged is None:
            return None
        metrics = dict(self._unlogged["metrics"])
        timing = self._unlogged["timing"] | {"step": time.perf_counter() - self._unlogged["began"]}
        epoch = (self.global_steps - 1) // self.steps_per_epoch
        self._compute_metrics(self._unlogged["batch"], metrics, timing, self.global_steps, epoch)
        return {name: float(value) for name, value in metrics.items() if isinstance(value, int | float | np.number)}

    def _validate(self) -> dict[str, float]:
        metrics: dict[str, float] = super()._validate()
        accuracy = validation_accuracy(metrics)
        if accuracy is not None:
            self._checkpoints.note_accuracy(self.global_steps, accuracy)
        return metrics
