"""Progress of anything that is counted: a bar on a terminal, elsewhere a plain line now and then."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from recipes.common import durations

EVERY = 10.0  # seconds between two lines where nothing can be redrawn
REDRAW = 0.1  # seconds between two updates of a bar
BAR_WIDTH = 24


def is_live(console: Console) -> bool:
    """Whether what is shown can be redrawn: a terminal, not a dumb one, whose person has not set NO_COLOR."""
    return console.is_interactive and not console.no_color


class Counter:
    """How far one thing is; made by `counting`.

    Attributes:
        done: how much of it.
        note: what else is worth saying, in a few words.
    """

    def __init__(
        self, console: Console, what: str, total: float | None, done: float, form: str, with_left: bool
    ) -> None:
        self._console, self._what, self._total, self._form, self._with_left = console, what, total, form, with_left
        self.done, self.note = done, ""
        self._begun = time.monotonic()
        self._first: tuple[float, float] | None = None  # when it first moved, and how far it was then
        self._live = is_live(console)
        self._shown = 0.0 if self._live else self._begun
        columns = (TextColumn(what, markup=False), BarColumn(bar_width=BAR_WIDTH), TextColumn("{task.description}"))
        self._bar = Progress(
            *columns,
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not self._live,
            # rich would otherwise take over sys.stdout and show what belongs into a log.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task(self._text(), total=total)
        self._bar.update(self._task, completed=done)

    def advance(self) -> None:
        """One more is done."""
        self.to(self.done + 1)

    def to(self, done: float, note: str | None = None) -> None:
        """So much is done, and a new note if there is one."""
        if self._first is None and done != self.done:
            self._first = (time.monotonic(), done)
        self.done = done
        self.note = self.note if note is None else note
        if time.monotonic() - self._shown >= (REDRAW if self._live else EVERY):
            self._show()

    def say(self, note: str) -> None:
        """Another note, shown at once."""
        self.note = note
        self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        if self._live:
            self._bar.update(self._task, completed=self.done, description=self._text())
        else:
            self._console.print(f"{self._what}: {self._text()}, {self._elapsed()}", markup=False)

    def _elapsed(self) -> str:
        return durations.clock(time.monotonic() - self._begun)

    def _text(self) -> str:
        """`1,024 of 8,192, left 9:20, note`."""
        words = [self._form.format(self.done)]
        if self._total is not None:
            words[0] += f" of {self._form.format(self._total)}"
            if (left := self._left(self._total)) is not None:
                words.append(f"left {durations.clock(left)}")
        return ", ".join([*words, *([self.note] if self.note else [])])

    def _left(self, total: float) -> float | None:
        """Seconds, at the pace since it first moved: what had to start before that does not count."""
        if not self._with_left or self._first is None or self.done <= self._first[1]:
            return None
        began, first = self._first
        return (time.monotonic() - began) * (total - self.done) / (self.done - first)

    def __enter__(self) -> "Counter":
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        self._bar.stop()
        if kind is None:
            note = f", {self.note}" if self.note else ""
            done = self._form.format(self.done)
            self._console.print(f"{self._what}: {done}{note}, took {self._elapsed()}", markup=False)


def counting(
    console: Console,
    what: str,
    total: float | None = None,
    done: float = 0,
    form: str = "{:,.0f}",
    with_left: bool = True,
) -> Counter:
    """A context in which something is counted; its last line stays.

    Args:
        console: where it is shown.
        what: is counted, as "samples".
        total: how much there is to do; None where that is not known.
        done: how much is done already.
        form: of the numbers.
        with_left: say how long the rest will take; not for what does not grow evenly.
    """
    return Counter(console, what, total, done, form, with_left)


@contextmanager
def waiting(console: Console, what: str) -> Iterator[None]:
    """A context for something that can't be counted: its name, then how long it took."""
    begun = time.monotonic()
    columns = (TextColumn(what, markup=False), BarColumn(bar_width=BAR_WIDTH), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not is_live(console))
    bar.add_task("", total=None)
    if not is_live(console):
        console.print(f"{what} ...", markup=False)
    with bar:
        yield
    console.print(f"{what}: took {durations.clock(time.monotonic() - begun)}", markup=False)
