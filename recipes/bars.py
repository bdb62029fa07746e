"""A progress bar for anything that is counted; on a terminal it lives, in a log file it is a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY = 30.0  # seconds between two lines where there is no terminal


@contextmanager
def counting(console: Console, what: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """Yield a function to be called after each of `total` steps, of which `done` are done already."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, completed=done)
        last = [time.monotonic(), done]

        def advance() -> None:
            bar.advance(task)
            last[1] += 1
            if not console.is_terminal and (time.monotonic() - last[0] > EVERY or last[1] == total):
                last[0] = time.monotonic()
                console.print(f"{what} {last[1]:,.0f} of {total:,}")

        yield advance
