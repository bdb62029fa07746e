r"""Which part of a response is its final answer: the last \boxed{...} after the thinking.

Strict on purpose. A fallback to the last number seen pays 6-12 % of the solutions that were cut off before any box, and
the union of neighbouring boxes turns `\boxed{7}. Wait, no. So \boxed{8}` into {7, 8}.
"""

import re
from dataclasses import dataclass
from typing import Literal

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"
BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])\s*")
# `\boxed 5`: only a number may go without braces; a word after \boxed is more likely prose about the box.
BARE_NUMBER = re.compile(r"[+-]?\d+(?:[.,/]\d+)*")


@dataclass(frozen=True)
class Extraction:
    """The final answer of a response, or why there is none (then `answer` is "")."""

    status: Literal["found", "no_answer", "truncated"]
    answer: str = ""


def extract_answer(response: str) -> Extraction:
    """The content of the last box after the last `</think>`.

    "truncated" when a `<think>` is never closed or the last box is cut off, "no_answer" when there is no box or it is
    empty: an earlier box does not step in, for the model has gone past it.
    """
    text = response.rpartition(THINK_CLOSE)[2]
    if THINK_OPEN in text:
        return Extraction("truncated")
    for box in reversed(list(BOX.finditer(text))):
        found = _read_box(text, box.end())
        if found is not None:
            return found
    return Extraction("no_answer")


def _read_box(text: str, start: int) -> Extraction | None:
    r"""What the \boxed whose argument begins at `start` holds; None if the command has no argument (prose)."""
    if start == len(text):
        return Extraction("truncated")
    if text[start] != "{":
        number = BARE_NUMBER.match(text, start)
        return Extraction("found", number.group()) if number else None
    end = _closing_brace(text, start)
    if end is None:
        return Extraction("truncated")
    answer = text[start + 1 : end].strip()
    return Extraction("found", answer) if answer else Extraction("no_answer")


def _closing_brace(text: str, start: int) -> int | None:
    r"""The position of the brace that closes the one at `start`; `\{` and `\}` are text, as in LaTeX."""
    depth = 0
    for token in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        if token.group() == "{":
            depth += 1
        elif token.group() == "}":
            depth -= 1
            if depth == 0:
                return start + token.start()
    return None
