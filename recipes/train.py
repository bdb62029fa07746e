"""Train: `python -m recipes.train [Hydra overrides]`.

    python -m recipes.train policy_loss=maspo seed=1
    python -m recipes.train model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb --cfg job

`--cfg job` prints the composed config; `dry_run=true` also makes the model and data set it needs and runs every check;
neither starts a training.
Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted.
"""

import sys
from typing import NoReturn

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markup import escape

from recipes import composing, environment_checks, preflight, processes, resolvers
from recipes.errors import UserError
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


def checked(config: DictConfig) -> DictConfig:
    """Run every check, cheapest first; return the resolved config.

    Raises:
        UserError: bad input.
    """
    config = preflight.resolved(config)
    preflight.check_hardware(config)
    preflight.check_config(config)
    environment_checks.check_environment(config)
    preflight.check_writable(config)
    folder = RunFolder.of(config)
    if folder.exists() and config.on_existing == "continue":
        folder.refuse_other_config(config)
        folder.refuse_losing_results(config)
    prepare_all(config)
    preflight.check_files(config)
    return config


def refuse(error: UserError) -> NoReturn:
    """Print the error and end."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]Error:[/] {escape(str(error))}")
    sys.exit(2)


@hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="train")
def main(config: DictConfig) -> None:
    """Hydra entry point."""
    processes.raise_on_termination()
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        config = checked(config)
        if config.dry_run:
            print(redacted_text(OmegaConf.to_yaml(config)))
            errors.print("dry run: all checks passed, nothing was started.")
            return
        from recipes.session import run_session

        sys.exit(run_session(config))
    except UserError as error:
        refuse(error)
    except (KeyboardInterrupt, processes.Terminated):
        errors.print("Interrupted; nothing was started.")
        sys.exit(130)


if __name__ == "__main__":
    resolvers.register()
    try:
        composing.check_command_line(sys.argv[1:])
    except UserError as error:
        refuse(error)
    main()
