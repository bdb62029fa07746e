"""Report: `python -m recipes.report <command>`; `--help` lists the commands.

    python -m recipes.report weights --output docs/figures/gradient-weights.png

Exit codes: 0 done, 2 bad input, 130 interrupted.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes.common.command import command
from recipes.common.errors import UserError

WEIGHTS_PICTURE = Path("docs/figures/gradient-weights.png")


def _weights(arguments: argparse.Namespace) -> None:
    from recipes.report import weights

    weights.write(arguments.output)
    print(f"Wrote {arguments.output}")


def _table(arguments: argparse.Namespace) -> None:
    from recipes.report import render, table

    form = arguments.format or (arguments.output.suffix[1:] if arguments.output else "md")
    if form not in render.FORMATS:
        raise UserError(f"format {form!r} is unknown: write one of {', '.join(render.FORMATS)}.")
    text = table.build(arguments.folder, arguments.scale, arguments.verifier, form)
    if arguments.output is None:
        print(text, end="")
        return
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text, encoding="utf-8")
    print(f"Wrote {arguments.output}")


def _compare(arguments: argparse.Namespace) -> None:
    from recipes.report import comparison

    comparison.show(arguments.first, arguments.second)


def _run(arguments: argparse.Namespace) -> None:
    from recipes.report.page import build

    folders = arguments.folders
    output = arguments.output or (folders[0] / "report.html" if len(folders) == 1 else Path("comparison.html"))
    build.write(folders, output)
    print(f"Wrote {output}")


def _live(arguments: argparse.Namespace) -> None:
    from recipes.report.page import live

    live.serve(arguments.folder, arguments.address, arguments.port)


def _curves(arguments: argparse.Namespace) -> None:
    from recipes.report import run_curves

    run_curves.draw(arguments.folder, arguments.output)
    print(f"Wrote {arguments.output}")


def parser() -> argparse.ArgumentParser:
    """All commands; each sets `run`, a function of the parsed arguments."""
    whole = argparse.ArgumentParser(prog="python -m recipes.report", description="Figures and pages about the methods.")
    commands = whole.add_subparsers(title="commands", metavar="<command>", required=True)
    weights = commands.add_parser(
        "weights",
        help="draw the gradient weight of every method against the ratio",
        description="Draw the gradient weight of every method against the ratio, from the shipped configs and code.",
    )
    weights.add_argument(
        "--output", type=Path, default=WEIGHTS_PICTURE, metavar="PNG", help="where to write (default: %(default)s)"
    )
    weights.set_defaults(run=_weights)
    table = commands.add_parser("table", help="published and measured numbers side by side")
    table.add_argument("folder", type=Path, nargs="?", default=Path("outputs"), help="output root (default: outputs)")
    table.add_argument("--scale", default="paper", help="paper, 7b-short or tiny (default: paper)")
    table.add_argument("--verifier", default="ours", help="whose verdicts count (default: ours)")
    table.add_argument("--format", help="md, tex or html (default: by the name of the output, else md)")
    table.add_argument("--output", type=Path, help="file to write (default: standard output)")
    table.set_defaults(run=_table)
    compare = commands.add_parser("compare", help="two evaluations on the same problems, with a p-value")
    compare.add_argument("first", type=Path, help="folder of an evaluation, or a results file")
    compare.add_argument("second", type=Path, help="the same; the difference is second minus first")
    compare.set_defaults(run=_compare)
    run = commands.add_parser("run", help="one HTML file about a run, or about several side by side")
    run.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folder of a run: outputs/<experiment>/<run>")
    run.add_argument("--output", type=Path, help="file to write (default: DIR/report.html or comparison.html)")
    run.set_defaults(run=_run)
    curves = commands.add_parser("curves", help="a picture of the metrics that say whether a run is well")
    curves.add_argument("folder", type=Path, metavar="DIR", help="folder of the run")
    curves.add_argument("--output", type=Path, default=Path("curves.png"), metavar="PNG", help="default: %(default)s")
    curves.set_defaults(run=_curves)
    live = commands.add_parser("live", help="the same page of a run that goes on, in a browser of this machine")
    live.add_argument("folder", type=Path, metavar="DIR", help="folder of the run; it need not exist yet")
    live.add_argument("--address", default="127.0.0.1", help="to listen on (default: %(default)s, this machine only)")
    live.add_argument("--port", type=int, default=8080, help="to listen on (default: %(default)s)")
    live.set_defaults(run=_live)
    return whole


def main(words: Sequence[str] | None = None) -> None:
    """Command line."""
    arguments = parser().parse_args(words)
    with command("Interrupted."):
        arguments.run(arguments)


if __name__ == "__main__":
    main()
