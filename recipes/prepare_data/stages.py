"""How far the preparation is, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console

from recipes.common import progress_bar

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
        with progress_bar.counting(self._console, name, total) as counter:
            yield counter.advance

    def counted(self, name: str, items: Iterable[Item], total: int | None = None) -> Iterator[Item]:
        """Pass items on and show how many."""
        with self.stage(name, total) as advance:
            for item in items:
                yield item
                advance()
