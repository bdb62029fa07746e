"""One attempt at a run: from a checked config to a finished run folder, with nothing left running."""

import os
import traceback
import uuid
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig, open_dict
from rich.console import Console
from rich.markup import escape

from recipes.common import processes
from recipes.common.console import chatter_to, root_cause
from recipes.common.errors import UserError
from recipes.common.files import remove_partial_files
from recipes.common.private_ray import join_or_start
from recipes.common.secrets import redact_file
from recipes.inputs import loaded_back
from recipes.report import summary
from recipes.runs import stopping, trackers
from recipes.runs.metrics_file import AttemptFile
from recipes.runs.resume import Resume
from recipes.runs.run_folder import RunFolder
from recipes.runs.stopping import StopFiles
from recipes.train.progress import TrainingProgress


def run_session(config: DictConfig) -> int:
    """Train as the config says, or say that it is done already; return the exit code.

    Args:
        config: resolved and checked.

    Raises:
        UserError: another process is training in the same run folder.
    """
    folder = RunFolder.of(config)
    shown = Console(highlight=False, soft_wrap=True)
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.lock, timeout=0):
            return _locked_session(config, folder, shown)
    except Timeout as error:
        raise UserError(
            f"Another command is training in {folder.path}. Wait for it, or write trainer.experiment_name=<a new name>."
        ) from error


def _locked_session(config: DictConfig, folder: RunFolder, shown: Console) -> int:
    if folder.exists() and config.on_existing == "restart":
        shown.print(f"moved the existing run to {folder.move_aside()}", markup=False)
    remove_partial_files(folder.path)
    for warning in folder.checkpoints.repair():
        shown.print(f"[bold yellow]Warning:[/] {escape(warning)}")
    resume = Resume.of(folder)
    first, last = resume.from_step, config.trainer.total_training_steps
    if resume.is_complete(last):
        if _complete(folder, resume):
            write_page(shown, folder)
        shown.print(f"This run is complete (step {last} of {last}): nothing to train. on_existing=restart begins anew.")
        return show_results(shown, folder, config)
    if resume.started:
        shown.print(f"continuing {folder.path} from step {first} of {last}", markup=False)
    kept = _prepare_folder(config, folder, resume)
    log = folder.new_log()
    shown.print(f"run folder  {folder.path}\nlog file    {log}", markup=False)
    manifest = folder.manifest
    owner = folder.checkpoints.owner(first)
    manifest.start_attempt(config.seed, log.relative_to(folder.path), from_step=first, run_id=owner)
    trackers.start(config, folder, first)
    carried = resume.carried(config.trainer.test_freq)
    metrics = AttemptFile(folder.attempt_metrics(log), folder.metrics, kept, carried)
    status = _attempt(config, folder, metrics, first)
    manifest.end_attempt(status, logged_step=metrics.logged_step, checkpointed_step=folder.checkpointed_step())
    return _report(shown, status, folder, config, log)


def _complete(folder: RunFolder, resume: Resume) -> bool:
    """Make up for what the last attempt did not come to, if it was killed after its last step; say whether it was."""
    folder.write_rows(resume.rows)
    manifest = folder.manifest
    if manifest.status == "finished" or not manifest.content["attempts"]:
        return not folder.report.is_file()
    _redact_logs(folder)
    manifest.end_attempt("finished", logged_step=resume.logged_step, checkpointed_step=resume.from_step)
    return True


def _redact_logs(folder: RunFolder) -> None:
    for log in folder.logs():
        redact_file(log)


def _prepare_folder(config: DictConfig, folder: RunFolder, resume: Resume) -> list[dict[str, Any]]:
    """Write the config, drop metrics that will be made again, and keep verl from validating the same step twice.

    Returns:
        The metrics that stay.
    """
    test_freq = config.trainer.test_freq
    kept = resume.kept(test_freq)
    folder.write_config(config)
    folder.write_rows(kept)
    StopFiles(folder.path).clear()
    if folder.manifest.status == "running":  # the last attempt was killed before it could clean its log
        _redact_logs(folder)
    validates = resume.validates_first(test_freq)
    if validates is not None:
        with open_dict(config):
            config.trainer.val_before_train = validates
    return kept


def _attempt(config: DictConfig, folder: RunFolder, metrics: AttemptFile, first: int) -> str:
    """Run verl with its chatter in the log; return how it ended: finished, failed or interrupted."""
    import ray

    processes.adopt_orphans()
    log, last = metrics.source.with_suffix(".log"), config.trainer.total_training_steps
    with chatter_to(log) as console:
        try:
            title = f"{config.trainer.project_name} / {config.trainer.experiment_name}"
            with TrainingProgress(console, metrics, first, last, title, bool(config.trainer.val_before_train)):
                _train(config, folder, metrics, console)
            metrics.new_rows()
            status = "finished" if metrics.logged_step >= last else "interrupted"  # it was asked to stop
        except (KeyboardInterrupt, processes.Terminated):
            status = "interrupted"
        except BaseException:  # whatever it was, the run folder must say so and its processes must end
            traceback.print_exc()
            status = "failed"
        finally:
            processes.ignore_interrupts()
            ray.shutdown()
            processes.end_descendants()
            metrics.new_rows()  # what verl wrote between the last look and its end
    return status


class _RunnerAfterInit:
    """The task runner's class as verl's run_ppo uses it: right after ray.init, when signals can be handled again."""

    def __init__(self, files: StopFiles, console: Console) -> None:
        self._files, self._console = files, console
        self._options: dict[str, Any] = {}

    def options(self, **options: Any) -> "_RunnerAfterInit":
        """As of a Ray actor class; verl asks for it when it profiles."""
        self._options = options
        return self

    def remote(self) -> Any:
        """Start the runner."""
        from recipes.plugin.task_runner import TaskRunner

        stopping.listen(self._files, self._console.print)
        return TaskRunner.options(**self._options).remote()


def _train(config: DictConfig, folder: RunFolder, metrics: AttemptFile, console: Console) -> None:
    """Hand over to verl."""
    from verl.trainer.main_ppo import run_ppo

    environment = {
        "VERL_FILE_LOGGER_PATH": str(metrics.source.absolute()),
        "RLVR_ATTEMPT": uuid.uuid4().hex[:12],
        **trackers.environment(folder, folder.manifest.run_id),
    }
    os.environ.update(environment)
    join_or_start(config)
    with open_dict(config):
        # A cluster that is already up does not inherit this process's environment.
        runtime = config.ray_kwargs.ray_init.runtime_env
        runtime.env_vars = {**(runtime.get("env_vars") or {}), **environment}
    run_ppo(config, task_runner_class=_RunnerAfterInit(StopFiles(folder.path), console))


def _report(shown: Console, status: str, folder: RunFolder, config: DictConfig, log: Path) -> int:
    write_page(shown, folder)
    if status == "finished":
        return show_results(shown, folder, config)
    if status == "interrupted":
        step = folder.checkpointed_step()
        goes_on = f"The same command continues from step {step}."
        if step and (missing := folder.checkpoints.lacks(step)):
            goes_on = f"Training can't go on from the checkpoint of step {step}, which lacks {', '.join(missing)}."
        shown.print(f"Interrupted; all processes of the run have ended. {goes_on}")
        return 130
    shown.print("[bold red]The run failed.[/] Its log says first:")
    for line in root_cause(log):
        shown.print(f"  {line}", markup=False)
    shown.print(f"Whole log: {log}", markup=False)
    return 1


def write_page(shown: Console, folder: RunFolder) -> None:
    """The page of the run, however it ended; that it can't be written is said and changes nothing."""
    try:
        from recipes.report.page import build

        build.write([folder.path], folder.report)
        shown.print(f"report      {folder.report}", markup=False)
    except Exception as error:  # said on the terminal; the run's own status is told by what trained
        shown.print(f"{folder.report} was not written: {error!r}", markup=False)


def show_results(shown: Console, folder: RunFolder, config: DictConfig) -> int:
    """Table, curves and paths of a finished run; returns the exit code, 1 where the model's copy would not load."""
    samples = config.actor_rollout_ref.rollout.val_kwargs.n
    title = f"{config.trainer.project_name} / {config.trainer.experiment_name}"
    rows = folder.rows()
    summary.draw_curves(rows, folder.curves, title, samples)
    table = summary.summary_table(rows, samples)
    if table.row_count:  # a run of a single step, or without validation, has nothing to compare
        shown.print(table)
    shown.print(f"curves      {folder.curves}\nrun folder  {folder.path}", markup=False)
    if not (step := folder.checkpointed_step()):
        shown.print("checkpoint  -")
    elif "hf_model" in config.actor_rollout_ref.actor.checkpoint.save_contents:
        copy = folder.hugging_face_checkpoint()
        if copy and (wrong := loaded_back.flaw(copy)):
            shown.print(f"{copy} would not load as the model that was trained: {wrong}.", markup=False)
            return 1
        shown.print(f"checkpoint  {copy or '-'}", markup=False)
    else:  # on GPUs; verl makes the copy's folder all the same, with a config and without weights
        saved = folder.checkpoints.folder(step)
        shown.print(f"checkpoint  {saved}; its copy for transformers: python -m recipes.merge {saved}", markup=False)
    return 0
