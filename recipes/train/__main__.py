"""Train: `python -m recipes.train [Hydra overrides]`.

    python -m recipes.train policy_loss=maspo seed=1
    python -m recipes.train model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb --cfg job

`--cfg job` prints the composed config; `dry_run=true` makes the model and data set it needs and runs every check;
neither starts a training. `preflight=full` also asks every node of the cluster (docs/doctor.md).
Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from omegaconf import DictConfig
from rich.console import Console

from recipes.common import private_ray
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.config.compose import TRAIN, compose


def check_cluster(config: DictConfig, shown: Console) -> None:
    """The checks of recipes.doctor on every node; prints their table.

    Raises:
        UserError: one of them has failed.
    """
    from recipes.doctor import examination, show
    from recipes.doctor.finding import Status, worst

    findings = examination.of_cluster(config)
    show.report(findings, shown)
    if worst(findings) is Status.FAILURE:
        raise UserError("preflight=full: the cluster has failures (above). Cure them, or write preflight=cheap.")


def main(words: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    with command("Interrupted; nothing was started.") as errors:
        composed = compose(sys.argv[1:] if words is None else words, TRAIN, __doc__)
        from recipes.checks import preflight  # with the reward's parser: a config is printed without it

        config = preflight.checked(composed, errors.print)
        if config.preflight == "full":
            check_cluster(config, errors)
        if config.dry_run:
            errors.print("dry run: all checks passed, nothing was started.")
            return 0
        from recipes.train.session import run_session

        return run_session(config)


if __name__ == "__main__":
    with private_ray.private_ray():  # before composing, which imports verl and with it Ray
        sys.exit(main())
