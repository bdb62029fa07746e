"""A picture of the live view at a step: `python -m recipes.train.live.picture RUN --step 9 --output live.svg`."""

import argparse
import io
import re
import time
from collections.abc import Sequence

from omegaconf import OmegaConf
from rich.console import Console

from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.files import write_atomically
from recipes.common.numbers import is_integer
from recipes.common.paths import given_path
from recipes.report.page.run_files import within
from recipes.runs.run_folder import RunFolder
from recipes.train.live.history import History
from recipes.train.live.startup import Startup
from recipes.train.live.view import View

FONT = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
NARROWEST = 20  # characters


def svg(folder: RunFolder, step: int, width: int) -> str:
    """The view as it was right after `step`, as an SVG that loads nothing from elsewhere.

    Args:
        folder: of the run.
        step: at most the last that is logged.
        width: characters.
    """
    config = folder.read_config()
    last = within(OmegaConf.to_container(config), "trainer.total_training_steps")
    if not is_integer(last):
        raise UserError(f"{folder.config}: trainer.total_training_steps={last}: is the config of no run. Restore it.")
    history = History(0, last)
    for row in folder.rows():
        if row["step"] <= step:
            history.add(row)
    title = " / ".join(str(config.trainer.get(name)) for name in ("project_name", "experiment_name"))
    log = folder.logs()[-1]
    view = View(history, Startup(log, validates=True), title, f"log {log.parent.name}/{log.name}", (), time.monotonic())
    shown = Console(
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        width=width,
        height=24,
        _environ={"TERM": "xterm-256color"},
    )
    shown.print(view)
    drawn = shown.export_svg(title="python -m recipes.train")
    drawn = re.sub(r"@font-face\s*\{.*?\}\s*", "", drawn, flags=re.DOTALL)  # rich's fonts come from a server
    return re.sub(r"[ \t]+$", "", drawn.replace("Fira Code, monospace", FONT), flags=re.MULTILINE)


def main(words: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.train.live.picture", description=__doc__)
    parser.add_argument("run", type=given_path, help="run folder")
    parser.add_argument("--step", type=int, required=True, help="the latest step that is shown")
    parser.add_argument("--output", type=given_path, required=True, help="SVG to write")
    parser.add_argument("--width", type=int, default=80, help="characters (80)")
    arguments = parser.parse_args(words)
    folder = RunFolder(arguments.run)
    with command("Interrupted."):
        if not folder.exists() or not folder.logs():
            raise UserError(f"{arguments.run} is no run folder; give one as outputs/<project>/<run>.")
        if arguments.width < NARROWEST:
            raise UserError(f"--width={arguments.width}: nothing can be read. Write --width={NARROWEST}, or more.")
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(arguments.output, svg(folder, arguments.step, arguments.width) + "\n")


if __name__ == "__main__":
    main()
