"""Train: `python -m recipes.train [Hydra overrides]`.

    python -m recipes.train policy_loss=maspo seed=1
    python -m recipes.train model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb --cfg job

`--cfg job` prints the composed config; `dry_run=true` also runs the checks; neither starts anything.
Exit codes: 0 done, 1 the run failed or a config does not compose, 2 bad input, 130 interrupted.
"""

import sys

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from recipes import preflight, processes, resolvers
from recipes.errors import UserError
from recipes.paths import config_dir
from recipes.prepared import prepare
from recipes.run_folder import RunFolder


def prepare_all(config: DictConfig) -> None:
    """Build (or find in the cache) the model and the data set that the config names under `prepare`."""
    for kind in config.get("prepare", {}):
        try:
            prepare(*resolvers.builder_call(config, kind))
        except (ValueError, TypeError, ImportError) as error:
            raise UserError(f"prepare.{kind}: {error}") from error


def checked(config: DictConfig) -> DictConfig:
    """Run every check, cheapest first; return the resolved config.

    Raises:
        UserError: bad input.
    """
    config = preflight.resolved(config)
    preflight.check_hardware(config)
    preflight.check_config(config)
    preflight.check_writable(config)
    folder = RunFolder.of(config)
    if folder.exists() and config.on_existing == "continue":
        folder.refuse_other_config(config)
    prepare_all(config)
    preflight.check_files(config)
    return config


@hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="train")
def main(config: DictConfig) -> None:
    """Hydra entry point."""
    processes.raise_on_termination()
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        config = checked(config)
    except UserError as error:
        errors.print(f"[bold red]Error:[/] {_escaped(str(error))}")
        sys.exit(2)
    except (KeyboardInterrupt, processes.Terminated):
        errors.print("Interrupted; nothing was started.")
        sys.exit(130)
    if config.dry_run:
        print(OmegaConf.to_yaml(config))
        errors.print("dry run: all checks passed, nothing was started.")
        return
    from recipes.session import run_session

    sys.exit(run_session(config))


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    resolvers.register()
    main()
