"""OmegaConf resolvers of our commands; those that verl's own command needs too stand in recipes.common.resolvers."""

from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common import resolvers
from recipes.common.errors import UserError
from recipes.common.files import is_full, why_not_writable
from recipes.config.hardware import nearest_sizes
from recipes.inputs import model_folder
from recipes.inputs.cache import cache_folder, prepare, prepared_path


def builder_call(config: DictConfig, kind: str) -> tuple[str, dict[str, Any]]:
    """The builder named in `prepare.<kind>`: its dotted name and its arguments."""
    arguments: dict[str, Any] = OmegaConf.to_container(config.prepare[kind], resolve=True)  # type: ignore[assignment]
    return arguments.pop("_target_"), arguments


def _prepared(kind: str, file: str = "", *, _root_: DictConfig) -> str:
    """`${prepared:model}` or `${prepared:data,train.parquet}`: where `prepare.<kind>` puts its result."""
    path = prepared_path(*builder_call(_root_, kind))
    return str(path / file if file else path)


def run_name(experiment: str | None, scale: str | None) -> str:
    """`${run_name:dgpo/ablation/7b_n1_m1,tiny}` → 7b_n1_m1-tiny: the experiment's file and, if cut down, the scale.

    Args:
        experiment: the choice `experiment=`; None where several were given, for which Hydra keeps no choice.
        scale: the choice `scale=`; none is `paper`.

    Raises:
        UserError: no single experiment.
    """
    if experiment is None:
        raise UserError("several experiments at once have no name: write trainer.experiment_name=<a name for this run>")
    name = experiment.rsplit("/", 1)[-1]
    return name if scale in (None, "paper") else f"{name}-{scale}"


def _nearest(key: str, *, _root_: DictConfig) -> Any:
    """`${nearest:<key>}`: what the sizes of the most similar model say, of those that the hardware preset knows.

    See recipes.config.hardware.nearest_sizes.
    """
    sizes = nearest_sizes(str(_root_.hardware.preset), str(_root_.actor_rollout_ref.model.path))
    # They may refer to the number of GPUs.
    mine = {"trainer": {"n_gpus_per_node": _root_.trainer.n_gpus_per_node}}
    return OmegaConf.select(OmegaConf.merge(sizes, mine), key)


@cache
def _opens_thinking(path: str) -> bool:
    """`${opens_thinking:<model>}`: whether its chat template ends the prompt with <think>.

    False for a model that is not on this machine yet: a training checks it once it is (recipes.checks.reward).
    """
    file = model_folder.file_here(path, "tokenizer_config.json")
    if file is None:
        return False
    from recipes.inputs import tokenizer  # with the reward's parser: too slow for every command to wait for

    found = tokenizer.load_tokenizer(OmegaConf.create({"path": str(file.parent)}))
    return bool(found.chat_template) and tokenizer.opens_thinking(found, None)


def register() -> None:
    """Make the resolvers known; safe to call again."""
    resolvers.register()
    OmegaConf.register_new_resolver("prepared", _prepared, replace=True)
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    OmegaConf.register_new_resolver("nearest", _nearest, replace=True)
    OmegaConf.register_new_resolver("opens_thinking", _opens_thinking, replace=True)


def prepare_all(config: DictConfig) -> None:
    """Build (or find in the cache) the model and the data set that the config names under `prepare` and uses.

    Args:
        config: resolved.

    Raises:
        UserError: the builder is unknown, can't take its arguments, or fails.
    """
    evaluated = config.get("eval", {}).get("files")
    used = str([config.actor_rollout_ref.model.path, config.data.train_files, config.data.val_files, evaluated])
    for kind in config.get("prepare", {}):
        target, arguments = builder_call(config, kind)
        try:
            # A path given on the command line replaces what would have been prepared.
            if str(prepared_path(target, arguments)) in used:
                prepare(target, arguments)
        except (ValueError, TypeError, ImportError, RuntimeError, OSError) as error:
            if is_full(error):
                raise
            closed = why_not_writable(cache_folder())
            advice = ". Set RLVR_CACHE to a folder of yours." if closed else ""
            raise UserError(f"prepare.{kind} ({target}, cache {cache_folder()}): {error}{advice}") from error
