"""Train: `python -m recipes.train [Hydra overrides]`.

    python -m recipes.train policy_loss=maspo seed=1
    python -m recipes.train model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb --cfg job

`--cfg job` prints the composed config; `dry_run=true` also makes the model and data set it needs and runs every check;
neither starts a training. `preflight=full` also asks every node of the cluster (docs/doctor.md).
Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted.
"""

import sys
from collections.abc import Callable

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from recipes import composing, environment_checks, preflight, resolvers
from recipes.command import command
from recipes.errors import UserError
from recipes.launching import token
from recipes.paths import config_dir
from recipes.prepared import cache_folder, prepare, prepared_path
from recipes.run_folder import RunFolder
from recipes.secrets import redacted_text


def prepare_all(config: DictConfig) -> None:
    """Build (or find in the cache) the model and the data set that the config names under `prepare` and uses.

    Args:
        config: resolved.

    Raises:
        UserError: the builder is unknown, can't take its arguments, or fails.
    """
    used = str([config.actor_rollout_ref.model.path, config.data.train_files, config.data.val_files])
    for kind in config.get("prepare", {}):
        target, arguments = resolvers.builder_call(config, kind)
        try:
            # A path given on the command line replaces what would have been prepared.
            if str(prepared_path(target, arguments)) in used:
                prepare(target, arguments)
        except (ValueError, TypeError, ImportError, RuntimeError, OSError) as error:
            raise UserError(f"prepare.{kind} ({target}, cache {cache_folder()}): {error}") from error


def check_run_folder(config: DictConfig) -> None:
    """The run folder can be written, and holds no other run.

    Raises:
        UserError: names the key and what to write.
    """
    preflight.check_writable(config)
    folder = RunFolder.of(config)
    if folder.exists() and config.on_existing == "continue":
        folder.refuse_other_config(config)
        folder.refuse_losing_results(config)


CheckFunction = Callable[[DictConfig], None]
# What is checked before every run, cheapest first; recipes.doctor goes through the same list.
CHECKS: tuple[tuple[str, CheckFunction], ...] = (
    ("hardware", preflight.check_hardware),
    ("config", preflight.check_config),
    ("environment", environment_checks.check_environment),
    ("run folder", check_run_folder),
    ("preparation", prepare_all),
    ("model", preflight.check_model),
    ("data", preflight.check_data),
    ("disk", preflight.check_room),
)


def checked(config: DictConfig) -> DictConfig:
    """Run every check; return the resolved config.

    Raises:
        UserError: bad input.
    """
    config = preflight.resolved(config)
    for _, check in CHECKS:
        check(config)
    return config


def check_cluster(config: DictConfig, shown: Console) -> None:
    """The checks of recipes.doctor on every node; prints their table.

    Raises:
        UserError: one of them has failed.
    """
    from recipes.doctoring import examination, show
    from recipes.doctoring.finding import Status, worst

    findings = examination.of_cluster(config)
    show.report(findings, shown)
    if worst(findings) is Status.FAILURE:
        raise UserError("preflight=full: the cluster has failures (above). Cure them, or write preflight=cheap.")


@hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="train")
def main(config: DictConfig) -> None:
    """Hydra entry point."""
    with command("Interrupted; nothing was started.") as errors:
        config = checked(config)
        if config.preflight == "full":
            check_cluster(config, errors)
        if config.dry_run:
            print(redacted_text(OmegaConf.to_yaml(config)))
            errors.print("dry run: all checks passed, nothing was started.")
            return
        from recipes.session import run_session

        sys.exit(run_session(config))


if __name__ == "__main__":
    resolvers.register()
    # The token first: composing imports verl, and with it Ray.
    with token.private_ray(), command("Interrupted; nothing was started."):
        composing.check_command_line(sys.argv[1:])
        main()
