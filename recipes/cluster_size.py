"""What a config asks of a cluster beside the trainer's GPUs: those that only generate (trainer_mode=separate_async)."""

from omegaconf import DictConfig


def rollout_gpus(config: DictConfig) -> int:
    """GPUs that only generate; verl's rollout.nnodes is 0 unless there are any."""
    rollout = config.actor_rollout_ref.rollout
    return int(rollout.nnodes * rollout.n_gpus_per_node)


def nodes(config: DictConfig) -> int:
    """All nodes, those that only generate included."""
    return int(config.trainer.nnodes + config.actor_rollout_ref.rollout.nnodes)
