"""Untrusted text made harmless: control characters visible, lengths bounded, JSON that can't leave its element."""

import base64
import json
import re
import zlib
from typing import Any

# C0 without tab and newline, DEL, C1, and the marks that reorder text for the eye.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def display_text(value: Any, limit: int = 20_000) -> str:
    """`value` as text to show: control characters as symbols, lone surrogates replaced, cut at `limit` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    cut = len(text) - limit
    text = text[:limit].replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(_visible, text) + (f" … [{cut:,} more characters left out]" if cut > 0 else "")


def without_colours(text: str) -> str:
    """`text` without the colours of a terminal, which say nothing here."""
    return _COLOUR.sub("", text)


def script_json(value: Any) -> str:
    """JSON for the inside of a <script>: no character of it can end the element or begin a comment.

    Raises:
        ValueError: a number is not finite; JavaScript could not read it.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII: U+2028 is escaped already
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def packed(value: Any) -> str:
    """JSON, compressed (zlib, which browsers call "deflate"), in base64."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode()
