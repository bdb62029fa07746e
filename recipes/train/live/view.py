"""The live view of a training: a small panel that is drawn again and again."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.box import ROUNDED
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.text import Text

from recipes.runs.alarms import Alarm
from recipes.train.live import sections
from recipes.train.live.formats import fit
from recipes.train.live.history import History
from recipes.train.live.startup import Startup

WIDEST = 100  # characters; numbers far apart are hard to read
LABEL = 12  # characters
ALARMS = 2  # shown at a time
FRAME = 2  # lines


@dataclass
class View:
    """Draws itself at whatever size the terminal has; see `sections` for what its lines say.

    Attributes:
        history: metrics so far.
        startup: how far the start is.
        title: of the run.
        log: where everything else is.
        alarms: that hold now, the newest last.
        row_came: when the latest step ended, by time.monotonic.
    """

    history: History
    startup: Startup
    title: str = ""
    log: str = ""
    alarms: Sequence[Alarm] = ()
    row_came: float = field(default_factory=time.monotonic)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._panel(min(options.max_width, WIDEST), console.height, options.ascii_only)

    def _panel(self, width: int, height: int, ascii_only: bool) -> RenderableType:
        framed = width >= 50 and height > FRAME + 6
        inside = width - 4 if framed else width
        room = height - 1 - (FRAME if framed else 0)
        alarms = self._alarm_lines(inside, ascii_only)
        lines = self._lines(inside, ascii_only)[: max(1, room - len(alarms))]
        body = Group(*lines, *alarms[: max(0, room - 1)])
        if not framed:
            return body
        title, log = Text(self.title, "bold"), Text(self.log, "bright_black")
        title.truncate(inside - 4, overflow="crop")
        log.truncate(inside - 4, overflow="crop")
        return Panel(
            body,
            box=ROUNDED,
            width=width,
            title=title,
            title_align="left",
            subtitle=log,
            subtitle_align="left",
            border_style="red" if self.alarms else "bright_black",
        )

    def _lines(self, width: int, ascii_only: bool) -> list[Text]:
        if self.history.trains:
            parts = sections.training(self.history, time.monotonic() - self.row_came, width - LABEL, ascii_only)
        else:
            parts = sections.starting(self.history, self.startup, width - LABEL, ascii_only)
        lines = [Text.assemble((f"{label:<{LABEL}}", "cyan"), fit(said, width - LABEL)) for label, said in parts]
        for line in lines:
            line.truncate(width, overflow="crop")  # where not even the label fits
        return lines

    def _alarm_lines(self, width: int, ascii_only: bool) -> list[Text]:
        lines = []
        for alarm in self.alarms[-ALARMS:]:
            line = Text.assemble((f"{'!' if ascii_only else '▲'} ", "bold red"), (alarm_words(alarm), "red"))
            line.truncate(width, overflow="crop")
            lines.append(line)
        if len(self.alarms) > ALARMS:
            lines.append(Text(f"  and {len(self.alarms) - ALARMS} more alarms, in the log", "red"))
        return lines


def alarm_words(alarm: Alarm) -> str:
    """`steps 5 to 9: …`."""
    first, last = alarm.first_step, alarm.last_step
    return f"{f'step {first}' if first == last else f'steps {first} to {last}'}: {alarm.sentence}"
