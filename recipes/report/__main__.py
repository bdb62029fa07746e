"""Report: `python -m recipes.report <command>`; `--help` lists the commands.

    python -m recipes.report weights --output docs/figures/gradient-weights.png

Exit codes: 0 done, 2 bad input.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.errors import UserError

WEIGHTS_PICTURE = Path("docs/figures/gradient-weights.png")


def _weights(arguments: argparse.Namespace) -> None:
    from recipes.report import weights

    weights.write(arguments.output)
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
    return whole


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = parser().parse_args(words)
    try:
        arguments.run(arguments)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
