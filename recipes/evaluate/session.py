"""One evaluation, from a config to results: sample what is missing, score what has no verdict, count."""

from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig
from rich.console import Console

from recipes.common import processes
from recipes.common.errors import UserError
from recipes.evaluate import identity
from recipes.evaluate.evaluation import Plan, plan_of
from recipes.evaluate.sampling import complete
from recipes.evaluate.scoring import score_and_count


def run_evaluation(config: DictConfig) -> int:
    """Evaluate as the config says; return the exit code.

    Raises:
        UserError: bad input.
    """
    plan = plan_of(config)
    shown = Console(highlight=False, soft_wrap=True)
    plan.folder.path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(plan.folder.lock, timeout=0):
            identity.refuse_other(plan.folder.identity, _identity(plan))
            manifest = plan.folder.manifest
            manifest.start_attempt(plan.settings["seed"], Path(plan.folder.log.name), 0, module="recipes.evaluate")
            status = "failed"
            try:
                complete(plan, shown)
                score_and_count(plan, shown)
                status = "finished"
            except (KeyboardInterrupt, processes.Terminated):
                status = "interrupted"
                raise
            finally:
                manifest.end_attempt(status)
    except Timeout as error:
        raise UserError(
            f"Another command is evaluating in {plan.folder.path}. Wait for it, or write name=<a name>."
        ) from error
    return 0


def _identity(plan: Plan) -> dict[str, Any]:
    model = plan.model.path if plan.model else None
    source = model or f"responses of {Path(plan.config.responses).name}"
    return identity.identity(source, model, plan.settings, list(plan.problems.values()))
