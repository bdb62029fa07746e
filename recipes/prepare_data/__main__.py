"""Prepare data sets: `python -m recipes.prepare_data data=<name> [Hydra overrides]`.

    python -m recipes.prepare_data data=benchmarks          # first: training sets are compared with them
    python -m recipes.prepare_data data=dapo_math_17k
    python -m recipes.prepare_data data=math_train template=qwen_math file=math.json --cfg job

Each data set is a file in configs/prepare/data/. `--cfg job` prints the composed config and does nothing else.
Exit codes: 0 done (or done before), 2 bad input, 130 interrupted.
"""

import sys
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config import compose
from recipes.prepare_data.build import prepare
from recipes.prepare_data.settings import Settings, settings_from
from recipes.prepare_data.stages import Stages


def read_settings(config: DictConfig) -> Settings:
    """The settings of a composed config.

    Raises:
        UserError: names the key and what to write.
    """
    try:
        plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise UserError(str(error)) from error
    return settings_from(plain)


@hydra.main(version_base="1.3", config_path=str(config_dir() / "prepare"), config_name="prepare")
def main(config: DictConfig) -> None:
    """Hydra entry point."""
    interrupted = "Interrupted; nothing half-written was left. The same command goes on with what is downloaded."
    with command(interrupted) as console:
        try:
            prepare(read_settings(config), Stages(console))
        except OSError as error:
            raise UserError(str(error)) from error


if __name__ == "__main__":
    with command("Interrupted; nothing was started."):
        compose.check_command_line(sys.argv[1:], compose.PREPARE)
        main()
