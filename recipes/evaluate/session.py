"""One evaluation, from a config to results: sample what is missing, score what has no verdict, count."""

from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig
from rich.console import Console

from recipes.common import processes
from recipes.common.errors import UserError
from recipes.common.files import remove_partial_files
from recipes.common.secrets import redact_file
from recipes.evaluate import identity
from recipes.evaluate.evaluation import Evaluation, evaluation_of
from recipes.evaluate.sampling import complete
from recipes.evaluate.scoring import score_and_count


def run_evaluation(config: DictConfig) -> int:
    """Evaluate as the config says; return the exit code.

    Raises:
        UserError: bad input.
    """
    evaluation = evaluation_of(config)
    shown = Console(highlight=False, soft_wrap=True)
    evaluation.folder.path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(evaluation.folder.lock, timeout=0):
            remove_partial_files(evaluation.folder.path)
            identity.refuse_other(evaluation.folder.identity, _identity(evaluation), evaluation.folder.samples)
            manifest = evaluation.folder.manifest
            if manifest.status == "running" and evaluation.folder.log.is_file():
                redact_file(evaluation.folder.log)  # the last attempt was killed before it could clean its log
            manifest.start_attempt(
                evaluation.settings["seed"], Path(evaluation.folder.log.name), 0, module="recipes.evaluate"
            )
            status = "failed"
            try:
                complete(evaluation, shown)
                score_and_count(evaluation, shown)
                status = "finished"
            except (KeyboardInterrupt, processes.Terminated):
                status = "interrupted"
                raise
            finally:
                manifest.end_attempt(status)
    except Timeout as error:
        raise UserError(
            f"Another command is evaluating in {evaluation.folder.path}. Wait for it, or write name=<a name>."
        ) from error
    return 0


def _identity(evaluation: Evaluation) -> dict[str, Any]:
    model = evaluation.model.path if evaluation.model else None
    source = model or f"responses of {Path(evaluation.config.responses).name}"
    return identity.identity(source, model, evaluation.settings, list(evaluation.problems.values()))
