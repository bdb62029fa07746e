"""verl's task runner with the plug-in asserted on every node before anything is built."""

from typing import Any

import ray
from omegaconf import DictConfig
from verl.trainer.main_ppo import TaskRunnerV1

from recipes.plugin.ray_actors import plain_class

_VerlTaskRunner: Any = plain_class(TaskRunnerV1)


@ray.remote
class TaskRunner(_VerlTaskRunner):
    """Runs in a Ray actor; builds the trainer and calls fit."""

    def run(self, config: DictConfig) -> None:
        """Train; raises what the trainer raises."""
        from recipes.plugin import worker_check

        worker_check.assert_on_every_node()
        import recipes.plugin.trainer  # noqa: F401 (registers our trainer modes in this process)

        super().run(config)
