"""What is evaluated, on what, how, and where it goes: checked before an engine starts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

from recipes.checks import environment, hardware, options, paths, reward, sections, sizes, types
from recipes.common.errors import UserError
from recipes.common.files import why_not_writable
from recipes.config.compose import EVALUATE, resolved, resolving
from recipes.config.resolvers import prepare_all
from recipes.evaluate import checkpoint, problems, settings
from recipes.evaluate.row_file import Key
from recipes.inputs import model_folder
from recipes.runs.evaluation_folder import OURS, EvaluationFolder

ENGINE = ("actor_rollout_ref.model", "actor_rollout_ref.rollout")  # sections that the engines are made from


@dataclass(frozen=True)
class Evaluation:
    """A checked evaluation.

    Attributes:
        config: resolved.
        settings: its eval section.
        model: what is evaluated; None where responses come from a file.
        problems: by (benchmark, id).
        folder: where everything goes.
    """

    config: DictConfig
    settings: dict[str, Any]
    model: checkpoint.Checkpoint | None
    problems: dict[tuple[str, str], problems.Problem]
    folder: EvaluationFolder

    @property
    def keys(self) -> list[Key]:
        """All samples it consists of: first all problems once, then twice, so that an early stop is no bias."""
        return [(*one, sample) for sample in range(self.settings["samples"]) for one in self.problems]


def evaluation_of(config: DictConfig) -> Evaluation:
    """Check everything that can be wrong before an engine starts.

    Raises:
        UserError: names the key and what to write.
    """
    sections.check_sections(config, EVALUATE)
    with resolving(config):
        chosen = settings.checked(config)  # before a checkpoint is looked for, and perhaps merged
        found = None if config.responses else _model(config)
    config = resolved(config)
    paths.normalise(config)
    folder = _folder(config, found)
    environment.check_cache()
    if OURS in chosen["verifiers"]:
        reward.check_scorer({"require_box": chosen["require_box"]})
    if found is not None:
        types.check_types(config, ENGINE, EVALUATE)
        options.check_ray(config)
        options.check_tokens_per_pass(config)
        hardware.check_hardware(config)
        prepare_all(config)
        model_folder.check(found.path)
        sizes.check_engines(config, model_folder.architecture(found.path))
    elif "prepare" in config:
        prepare_all(config)
    loaded = problems.load(chosen["files"], chosen["max_problems"])
    return Evaluation(config, chosen, found, {(one.benchmark, one.id): one for one in loaded}, folder)


def _folder(config: DictConfig, model: checkpoint.Checkpoint | None) -> EvaluationFolder:
    root = Path(config.output_root).expanduser().absolute()
    if config.name:
        folder = EvaluationFolder.named(root, config.name)
    else:
        folder = EvaluationFolder.of(root, model.name if model else Path(config.responses).stem, config.eval_name)
    if why := why_not_writable(folder.path):
        raise UserError(
            f"{folder.path} can't be written to ({why}). Write name=<a new name>, or output_root=<a folder of yours>."
        )
    return folder


def _model(config: DictConfig) -> checkpoint.Checkpoint:
    """Find the model and write its path into the config."""
    section = config.actor_rollout_ref
    if config.checkpoint:
        found = checkpoint.find(config.checkpoint)
        run = found.run_config
        with open_dict(config):
            section.model.path = found.path
            if run is not None:
                section.rollout.dtype = run.actor_rollout_ref.rollout.dtype
        return found
    if "model" in config.get("prepare", {}):
        return checkpoint.Checkpoint(section.model.path, Path(section.model.path).name)
    if str(section.model.path).startswith("~/models"):  # verl's default
        raise UserError(
            "Which model? Write model=<hub id, folder, run folder, checkpoint, or a choice of configs/model>."
        )
    return checkpoint.Checkpoint(section.model.path, Path(section.model.path).name)
