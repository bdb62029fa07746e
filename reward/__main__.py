"""`python -m reward check FILE`: score a JSONL of responses, and explain the verdicts."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reward.check import (
    BadFile,
    Checked,
    Row,
    as_json,
    changed,
    check_rows,
    explain,
    read_rows,
    slowest_table,
    status_table,
)
from reward.options import KEY, RewardOptions
from reward.processes.pool import PoolSettings

EXPLAINED = 20  # rows, where none are named


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reward", description=__doc__)
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="score a JSONL of responses")
    check.add_argument("file", type=Path, help="one JSON object per line: response (or output), gold (or gts)")
    check.add_argument(
        "--explain",
        nargs="*",
        type=int,
        metavar="LINE",
        help=f"say why: for these lines, or for the first {EXPLAINED} that are not ok",
    )
    check.add_argument("--output", type=Path, help="write a verdict per line to this JSONL file")
    check.add_argument(
        "--any-answer", action="store_true", help="accept an answer outside \\boxed{} (require_box=false)"
    )
    check.add_argument("--thinking-open", action="store_true", help="the prompt ended with <think>")
    check.add_argument("--deadline", type=float, default=PoolSettings.deadline, help="seconds per comparison")
    check.add_argument("--workers", type=int, default=PoolSettings.workers, help="scoring processes")
    return parser.parse_args()


def _require_lines(rows: Iterable[Row], wanted: Iterable[int], path: Path) -> None:
    """Raise BadFile unless each of the wanted lines holds a row."""
    missing = sorted(set(wanted) - {row.line for row in rows})
    if missing:
        raise BadFile(
            f"--explain {missing[0]}: {path} has no response in line {missing[0]}. Write --explain alone, or lines "
            "that are there; the first is 1."
        )


def _require_writable(output: Path, read: Path) -> None:
    """Raise BadFile unless verdicts could be written, before the hours of scoring; leaves no file behind.

    Args:
        output: the file to be.
        read: the file of responses, which must not be it.
    """
    try:
        if output.exists() and read.exists() and output.samefile(read):
            raise BadFile(f"--output {output}: it is the file of the responses. Write another name.")
        was_there = output.exists()
        with output.open("ab"):  # changes nothing of what is there
            pass
        if not was_there:
            output.unlink()
    except OSError as error:
        raise BadFile(f"--output {output}: {error.strerror}. Write a file in a folder that is there.") from error


def _score(arguments: argparse.Namespace, options: RewardOptions, console: Console) -> list[Checked]:
    if arguments.output:
        _require_writable(arguments.output, arguments.file)
    rows = read_rows(arguments.file)
    _require_lines(rows, arguments.explain or (), arguments.file)
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(rows))
        return check_rows(rows, options, lambda: bar.advance(task))


def main() -> int:
    """Run the command line; 2 for bad input."""
    arguments, console = _arguments(), Console()
    try:
        options = RewardOptions.of(
            {
                "require_box": not arguments.any_answer,
                "thinking_open": arguments.thinking_open,
                "deadline": arguments.deadline,
                "workers": arguments.workers,
            }
        )
        checked = _score(arguments, options, console)
    except (BadFile, ValueError) as error:
        print(str(error).replace(KEY, "--"), file=sys.stderr)  # an option has its config's name here
        return 2
    console.print(status_table(checked), slowest_table(checked))
    different = changed(checked)
    if different:
        lines = ", ".join(str(one.row.line) for one in different[:10])
        console.print(f"not the accuracy that the file holds: {len(different)}, at lines {lines}")
    if arguments.output:
        arguments.output.write_text("".join(as_json(one) + "\n" for one in checked), encoding="utf-8")
    if arguments.explain is not None:
        wanted = set(arguments.explain) or {
            one.row.line for one in [one for one in checked if one.explanation.verdict.status != "ok"][:EXPLAINED]
        }
        for explained in explain([one for one in checked if one.row.line in wanted], options):
            console.print(explained)
    return 0


if __name__ == "__main__":
    sys.exit(main())
