"""Waiting for something in a page whose policy forbids what Playwright's own wait_for_function does."""

import time
from typing import Any


def wait_until(page: Any, expression: str, seconds: float = 30.0) -> None:
    """Ask again and again until the JavaScript expression is true.

    Raises:
        AssertionError: it never was.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"after {seconds} s still not: {expression}"
        page.wait_for_timeout(50)
