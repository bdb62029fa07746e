"""How many GPU-hours a training needs, roughly: a range from floating-point operations, never a measurement.

A token that is generated costs 2N operations (N parameters), one in the old log-probs 2N, one in the update 6N (Kaplan
et al., arXiv 2001.08361, section 2.1). An H100 does 989e12 dense bf16 operations per second (NVIDIA's data sheet), of
which training reaches 25–45 % and decoding, bound by memory, 3–10 %: assumptions, as is that the mean response
has 25–75 % of the length limit.
"""

from collections.abc import Sequence

from hydra import compose, initialize_config_dir

from recipes import resolvers
from recipes.paths import config_dir

PARAMETERS = {"1.5b": 1.54e9, "7b": 7.62e9, "14b": 14.77e9}  # from the models' cards
PEAK = 989e12  # per second
TRAINING_SHARE = (0.45, 0.25)
DECODING_SHARE = (0.10, 0.03)
LENGTH_SHARE = (0.25, 0.75)
PROMPT_TOKENS = 150  # mean of a problem with its template
EVALUATION_SAMPLES = 32 * 1547


def gpu_hours(experiment: str, scale: str, overrides: Sequence[str] = ()) -> tuple[float, float] | None:
    """Least and most H100-hours for training and evaluating an experiment; None for one that runs on a CPU.

    Args:
        experiment: <paper>/<model>_<method>.
        scale: one of configs/scale.
        overrides: of the training.
    """
    resolvers.register()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", [f"experiment={experiment}", f"scale={scale}", *overrides], return_hydra_config=True)
    if config.hardware.device == "cpu":
        return None
    parameters = PARAMETERS[experiment.split("/")[-1].split("_")[0]]
    responses = config.trainer.total_training_steps * config.data.train_batch_size * config.actor_rollout_ref.rollout.n
    limit = config.data.max_response_length
    hours = [
        _hours(parameters, responses, EVALUATION_SAMPLES, limit * length, training, decoding)
        for length, training, decoding in zip(LENGTH_SHARE, TRAINING_SHARE, DECODING_SHARE, strict=True)
    ]
    return hours[0], hours[1]


def _hours(parameters: float, responses: int, evaluated: int, length: float, training: float, decoding: float) -> float:
    update = 8 * parameters * responses * (length + PROMPT_TOKENS) / (training * PEAK)
    generation = 2 * parameters * (responses + evaluated) * length / (decoding * PEAK)
    return (update + generation) / 3600
