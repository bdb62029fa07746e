"""How far the preparation is: a bar on a terminal, elsewhere a line when a stage is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EVERY = 256  # items between two updates of the bar
Item = TypeVar("Item")


class Stages:
    """Shows the stages of one preparation."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """A line of its own."""
        self._console.print(line, markup=False)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """Yield a function to call after each item of a stage."""
        count = 0
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
        shown = self._console.is_terminal
        with Progress(*columns, console=self._console, disable=not shown, transient=True) as bar:
            task = bar.add_task(name, total=total)

            def advance() -> None:
                nonlocal count
                count += 1
                if shown and count % EVERY == 0:
                    bar.update(task, completed=count)

            yield advance
        self.say(f"{name}: {count:,}")

    def counted(self, name: str, items: Iterable[Item], total: int | None = None) -> Iterator[Item]:
        """Pass items on and show how many."""
        with self.stage(name, total) as advance:
            for item in items:
                yield item
                advance()
