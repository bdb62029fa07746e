"""GPU-hours of an experiment, training and evaluation: the plan's range (docs/planning.md) for scripts/reproduce.sh."""

from collections.abc import Sequence

from recipes.config import compose, hardware
from recipes.inputs import architecture
from recipes.plan import sizes, step_time
from recipes.plan.efficiency import BEST, WORST

EVALUATION_RESPONSES = 32 * 1547  # Avg@32 over the six sets


def training_gpu_hours(experiment: str) -> tuple[float, float]:
    """Least and most H100-hours for training an experiment on GPUs, evaluation left out.

    Args:
        experiment: a choice of configs/experiment.
    """
    config = compose.resolved(compose.compose([f"experiment={experiment}"]))
    model, gpu, run = architecture.of(config), hardware.find("h100"), sizes.of(config)
    low, high = (step_time.gpu_hours(run, step) for step in step_time.span(model, gpu, run))
    return low, high


def gpu_hours(experiment: str, scale: str, overrides: Sequence[str] = ()) -> tuple[float, float] | None:
    """Least and most H100-hours for training and evaluating an experiment; None for one that runs on a CPU.

    Args:
        experiment: <paper>/<model>_<method>.
        scale: one of configs/scale.
        overrides: of the training.

    Raises:
        UserError: the overrides make no config.
    """
    config = compose.resolved(compose.compose([f"experiment={experiment}", f"scale={scale}", *overrides]))
    if config.hardware.device == "cpu":
        return None
    model, gpu, run = architecture.of(config), hardware.find("h100"), sizes.of(config)
    low, high = (
        step_time.gpu_hours(run, step)
        + step_time.sampling_gpu_hours(model, gpu, run, EVALUATION_RESPONSES, step, efficiency)
        for step, efficiency in zip(step_time.span(model, gpu, run), (BEST, WORST), strict=True)
    )
    return low, high
