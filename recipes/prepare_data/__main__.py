"""Prepare data sets: `python -m recipes.prepare_data data=<name> [Hydra overrides]`.

    python -m recipes.prepare_data data=benchmarks          # first: training sets are compared with them
    python -m recipes.prepare_data data=dapo_math_17k
    python -m recipes.prepare_data data=math_train template=qwen_math file=math.json --cfg job

Each data set is a file in configs/prepare/data/. `--cfg job` prints the composed config and does nothing else.
Exit codes: 0 done (or done before), 1 the disk is full, 2 bad input, 130 interrupted.
"""

import sys
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common.command import CLOSED, command
from recipes.common.errors import UserError
from recipes.common.files import is_full
from recipes.config.compose import PREPARE, compose, resolving
from recipes.prepare_data.build import prepare
from recipes.prepare_data.settings import Settings, settings_from
from recipes.prepare_data.stages import Stages


def read_settings(config: DictConfig) -> Settings:
    """The settings of a composed config.

    Raises:
        UserError: names the key and what to write.
    """
    with resolving(config):
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return settings_from(plain)


def main(words: Sequence[str] | None = None) -> None:
    """Command line."""
    interrupted = "Interrupted; nothing half-written was left. The same command goes on with what is downloaded."
    with command(interrupted) as console:
        config = compose(sys.argv[1:] if words is None else words, PREPARE, __doc__)
        try:
            prepare(read_settings(config), Stages(console))
        except OSError as error:
            if is_full(error) or isinstance(error, CLOSED):
                raise  # said by `command`, with its own exit code and cure
            raise UserError(str(error)) from error


if __name__ == "__main__":
    main()
