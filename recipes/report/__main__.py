"""Report: `python -m recipes.report <command>`; `--help` lists the commands.

    python -m recipes.report weights policy_loss=dgpo dgpo_n=2
    python -m recipes.report run outputs/quickstart/tiny-dgpo-seed0

Exit codes: 0 done, 2 bad input, 130 interrupted.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.files import write_atomically
from recipes.common.paths import given_path
from recipes.runs.evaluation_folder import OURS, VERIFIERS

OUTPUT_ROOT = Path("outputs")
WEIGHTS_PICTURE = Path("docs/figures/gradient-weights.png")


def _weights(arguments: argparse.Namespace) -> None:
    from recipes.report import weights

    words = [*(f"--config-dir={folder}" for folder in arguments.config_dir), *arguments.overrides]
    own = Path("outputs/weights") / (re.sub(r"[^\w.=-]+", "_", ",".join(arguments.overrides)) + ".png")
    output = arguments.output or (own if words else WEIGHTS_PICTURE)
    weights.write(output, words)
    print(f"Wrote {output}")


def _table(arguments: argparse.Namespace) -> None:
    from recipes.report import render, table

    form = arguments.format or (arguments.output.suffix[1:] if arguments.output else "md")
    if form not in render.FORMATS:
        raise UserError(f"format {form!r} is unknown: write one of {', '.join(render.FORMATS)}.")
    if arguments.scale not in table.SCALES:
        raise UserError(
            f"--scale={arguments.scale}: there is no such scale. Write --scale=<one of {', '.join(table.SCALES)}>."
        )
    text = table.build(_output_root(arguments.folder), arguments.scale, arguments.verifier, form)
    if arguments.output is None:
        print(text, end="")
        return
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.output, text)
    print(f"Wrote {arguments.output}")


def _output_root(given: Path | None) -> Path:
    """Where results are looked for. In the default's place nothing need have been measured yet."""
    root = given or OUTPUT_ROOT
    if not root.is_dir() and (given or root.exists()):
        raise UserError(f"{root} is no folder. Write the output root that evaluations/ lies in, as {OUTPUT_ROOT}.")
    return root


def _compare(arguments: argparse.Namespace) -> None:
    from recipes.report import comparison

    comparison.show(arguments.first, arguments.second)


def _seeds(arguments: argparse.Namespace) -> None:
    from recipes.report import seeds

    seeds.show(arguments.folders, arguments.against)


def _run(arguments: argparse.Namespace) -> None:
    from recipes.report.page import build

    _register(arguments.config_dir)
    folders = arguments.folders
    output = arguments.output or (folders[0] / "report.html" if len(folders) == 1 else Path("comparison.html"))
    build.write(folders, output)
    print(f"Wrote {output}")


def _live(arguments: argparse.Namespace) -> None:
    from recipes.report.page import live

    _register(arguments.config_dir)
    live.serve(arguments.folder, arguments.address, arguments.port)


def _register(folders: Sequence[str]) -> None:
    """Methods of one's own, so that the page draws their weight."""
    if folders:
        from recipes.report import curves

        curves.register_choices(folders)


def _curves(arguments: argparse.Namespace) -> None:
    from recipes.report import run_curves
    from recipes.runs.run_folder import RunFolder

    output = arguments.output or RunFolder(arguments.folder).metrics_picture
    run_curves.draw(arguments.folder, output)
    print(f"Wrote {output}")


def parser() -> argparse.ArgumentParser:
    """All commands; each sets `run`, a function of the parsed arguments."""
    whole = argparse.ArgumentParser(prog="python -m recipes.report", description="Figures and pages about the methods.")
    commands = whole.add_subparsers(title="commands", metavar="<command>", required=True)
    weights = commands.add_parser(
        "weights",
        help="draw the gradient weight against the ratio, of one method or of all",
        usage="python -m recipes.report weights [--output PNG] [--config-dir DIR] [policy_loss=... key=value ...]",
        description="Draw the gradient weight against the ratio, by the code that trains: of one method with these "
        "hyper-parameters (policy_loss=dgpo dgpo_n=2), on the gradients of log π and of π, or of all choices.",
    )
    weights.add_argument(
        "--output",
        type=given_path,
        metavar="PNG",
        help=f"default: outputs/weights/<overrides>.png; of all {WEIGHTS_PICTURE}",
    )
    _add_config_dir(weights)
    weights.set_defaults(run=_weights, takes_overrides=True)
    table = commands.add_parser("table", help="published and measured numbers side by side")
    table.add_argument("folder", type=given_path, nargs="?", help=f"output root (default: {OUTPUT_ROOT})")
    table.add_argument("--scale", default="paper", help="paper, 7b-short, tiny or bridge (default: paper)")
    table.add_argument("--verifier", choices=VERIFIERS, default=OURS, help="whose verdicts count (default: ours)")
    table.add_argument("--format", help="md, tex or html (default: by the name of the output, else md)")
    table.add_argument("--output", type=given_path, help="file to write (default: standard output)")
    table.set_defaults(run=_table)
    compare = commands.add_parser("compare", help="two evaluations on the same problems, with a p-value")
    compare.add_argument(
        "first", type=given_path, help="an evaluation: its folder, its name under outputs/, or a results file"
    )
    compare.add_argument("second", type=given_path, help="the same; the difference is second minus first")
    compare.set_defaults(run=_compare)
    seeds = commands.add_parser("seeds", help="two methods over seeds: paired differences of their runs or evaluations")
    seeds.add_argument("folders", type=given_path, nargs="+", metavar="DIR", help="runs or evaluations, one per seed")
    seeds.add_argument(
        "--against",
        type=given_path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="those of the other method, same seeds",
    )
    _add_config_dir(seeds)
    seeds.set_defaults(run=_seeds)
    run = commands.add_parser("run", help="one HTML file about a run, or about several side by side")
    run.add_argument(
        "folders", type=given_path, nargs="+", metavar="DIR", help="folder of a run: outputs/<experiment>/<run>"
    )
    run.add_argument("--output", type=given_path, help="file to write (default: DIR/report.html or comparison.html)")
    _add_config_dir(run)
    run.set_defaults(run=_run)
    curves = commands.add_parser("curves", help="a picture of the metrics that say whether a run is well")
    curves.add_argument("folder", type=given_path, metavar="DIR", help="folder of the run")
    curves.add_argument("--output", type=given_path, metavar="PNG", help="file to write (default: DIR/metrics.png)")
    curves.set_defaults(run=_curves)
    live = commands.add_parser("live", help="the same page of a run that goes on, in a browser of this machine")
    live.add_argument("folder", type=given_path, metavar="DIR", help="folder of the run; it need not exist yet")
    live.add_argument("--address", default="127.0.0.1", help="to listen on (default: %(default)s, this machine only)")
    live.add_argument("--port", type=int, default=8080, help="to listen on (default: %(default)s)")
    _add_config_dir(live)
    live.set_defaults(run=_live)
    return whole


def _add_config_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config-dir", action="append", default=[], metavar="DIR", help="configs of your own, with policy_loss/*.yaml"
    )


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; overrides may stand before flags and after them, which argparse's own positionals can't."""
    whole = parser()
    arguments, left = whole.parse_known_args(words)
    flags = [word for word in left if word.startswith("-") or not getattr(arguments, "takes_overrides", False)]
    if flags:
        whole.error(f"unrecognized arguments: {' '.join(flags)}")
    arguments.overrides = left
    return arguments


def main(words: Sequence[str] | None = None) -> None:
    """Command line."""
    arguments = parsed(words)
    with command("Interrupted."):
        arguments.run(arguments)


if __name__ == "__main__":
    main()
