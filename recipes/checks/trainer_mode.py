"""What verl's separate_async trainer would assert once models are loaded, or get wrong, found from the config alone."""

from importlib.util import find_spec

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.common.numbers import is_integer

SEPARATE = ("rlvr_separate_async", "separate_async")
_ROLLOUT = "actor_rollout_ref.rollout"


def is_separate(config: DictConfig) -> bool:
    """Whether some GPUs only generate."""
    return config.trainer.v1.trainer_mode in SEPARATE


def check_trainer_mode(config: DictConfig) -> None:
    """GPUs that generate, updates per transfer of weights, and how weights travel.

    Raises:
        UserError: names the key and what to write.
    """
    rollout = config.actor_rollout_ref.rollout
    if not is_separate(config):
        if rollout.nnodes > 0:
            raise UserError(
                f"{_ROLLOUT}.nnodes={rollout.nnodes}, but trainer.v1.trainer_mode={config.trainer.v1.trainer_mode} has "
                f"no GPUs that only generate. Write trainer_mode=separate_async, or {_ROLLOUT}.nnodes=0."
            )
        return
    _check_rollout_gpus(config)
    _check_transfer(config)
    actor, steps = config.actor_rollout_ref.actor, config.trainer.v1.separate_async.parameter_sync_step
    batch, mini = config.data.train_batch_size, actor.ppo_mini_batch_size
    if not is_integer(steps) or batch != steps * mini:
        raise UserError(
            f"trainer.v1.separate_async.parameter_sync_step={steps}: it is the number of updates per rollout batch, "
            f"data.train_batch_size / ppo_mini_batch_size = {batch} / {mini}. Leave it out, or write {batch // mini}."
        )


def _check_rollout_gpus(config: DictConfig) -> None:
    rollout = config.actor_rollout_ref.rollout
    if rollout.nnodes < 1 or rollout.n_gpus_per_node < 1:
        raise UserError(
            f"trainer_mode=separate_async with {_ROLLOUT}.nnodes={rollout.nnodes} and {_ROLLOUT}.n_gpus_per_node="
            f"{rollout.n_gpus_per_node}: no GPU would generate. Write {_ROLLOUT}.nnodes=1 (they come on top of the "
            "trainer's)."
        )
    parallel = rollout.tensor_model_parallel_size
    if rollout.n_gpus_per_node % parallel:
        raise UserError(
            f"{_ROLLOUT}.tensor_model_parallel_size={parallel} does not divide {_ROLLOUT}.n_gpus_per_node="
            f"{rollout.n_gpus_per_node}. Write {_ROLLOUT}.n_gpus_per_node={parallel}, or a multiple."
        )


def _check_transfer(config: DictConfig) -> None:
    if not config.actor_rollout_ref.hybrid_engine:
        # trainer_separate_async.py (_setup) calls logger.info(…, flush=True), which raises TypeError.
        raise UserError(
            "actor_rollout_ref.hybrid_engine=false: verl 0.9.1's separate_async fails with it at start-up, on a "
            "logging call. Write actor_rollout_ref.hybrid_engine=true."
        )
    engine = config.actor_rollout_ref.rollout.checkpoint_engine
    if engine.backend == "naive":
        raise UserError(
            f"{_ROLLOUT}.checkpoint_engine.backend=naive hands weights over on the same GPU only. Write "
            f"{_ROLLOUT}.checkpoint_engine.backend={config.hardware.weight_transfer}."
        )


def check_packages(config: DictConfig) -> None:
    """verl's nccl engine allocates with cupy; without it the backend is not registered, after models are loaded.

    Raises:
        UserError: it is missing here.
    """
    backend = config.actor_rollout_ref.rollout.checkpoint_engine.backend
    if is_separate(config) and backend == "nccl" and not find_spec("cupy"):
        raise UserError(
            "trainer_mode=separate_async needs cupy for checkpoint_engine.backend=nccl. Run "
            "`bash scripts/setup.sh gpu`, whose lock file holds cupy-cuda13x."
        )
