"""What a folder that a command makes may be called: of a run, of an evaluation, of a data set."""

from typing import Any

LONGEST = 200  # bytes; a file system takes 255, and .NAME.<8 signs>.partial is the longest that is made of it
SAYS = f"printable, no slash, at most {LONGEST} bytes"


def is_name(value: Any) -> bool:
    """Whether this names a folder inside another one, with room for what is put before and behind it."""
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        return False
    return "/" not in value and value.isprintable() and len(value.encode(errors="replace")) <= LONGEST
