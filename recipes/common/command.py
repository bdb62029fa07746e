"""How a command ends: exit code 2 and one line on bad input, 1 and one line on a failure, 130 after Ctrl-C."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from recipes.common import collector, processes
from recipes.common.errors import UserError
from recipes.common.files import is_full
from recipes.common.secrets import redacted_text

CLOSED = (PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
CLOSED_TOO = (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)  # that Python has no class for


@contextmanager
def command(interrupted: str) -> Iterator[Console]:
    """Run the body of a command line; yields the console for what is not output.

    Args:
        interrupted: said after Ctrl-C or SIGTERM.
    """
    collector.ask_less_often()
    processes.raise_on_termination()
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        yield errors
    except UserError as error:
        errors.print(f"[bold red]Error:[/] {escape(redacted_text(str(error)))}")
        sys.exit(error.code)
    except OSError as error:
        if _is_closed(error):
            errors.print(f"[bold red]Error:[/] {escape(redacted_text(_closed(error)))}")
            sys.exit(2)
        if not is_full(error):
            raise
        errors.print(f"[bold red]Error:[/] {escape(redacted_text(_no_room(error)))}")
        sys.exit(1)
    except (KeyboardInterrupt, processes.Terminated):
        errors.print(interrupted)
        sys.exit(130)


def _is_closed(error: OSError) -> bool:
    """Whether it names a place that can't be used: of somebody else, as root in a container, or of another kind."""
    return bool(error.filename) and (isinstance(error, CLOSED) or error.errno in CLOSED_TOO)


def _closed(error: OSError) -> str:
    name = os.fsdecode(error.filename2 or error.filename)
    return f"{name}: {error.strerror}. Make it one that you may read and write, or move it away."


def _no_room(error: OSError) -> str:
    where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return f"{where}{error.strerror}. What was there before is as it was: make room and run the same command again."
