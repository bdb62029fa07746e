"""A browser for the tests of pages: Debian's Chromium, driven by Playwright. Without one they are skipped.

REPORT_IMAGES=docs/images makes the tests that take pictures keep them there.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
TABLET = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On one worker: its browser is started once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser for the whole session."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).is_file():
        pytest.skip("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless=new"])
        yield browser
        browser.close()


class Watched:
    """A page with everything that must not happen on it.

    Attributes:
        page: Playwright's.
        problems: errors of the console and of scripts.
        requests: addresses that were asked for.
    """

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on(
            "console", lambda said: self.problems.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def show(self, address: str) -> Any:
        """Open a page and wait until it is ready."""
        self.page.goto(address)
        self.page.wait_for_selector("html[data-ready]", timeout=60_000)
        return self.page

    def assert_quiet(self, allowed: str) -> None:
        """No problem, and no request but those whose address begins with `allowed`, or that leave no machine."""
        assert self.problems == []
        strange = [url for url in self.requests if not url.startswith((allowed, "data:", "blob:"))]
        assert strange == []


@pytest.fixture
def watched(chromium: Any) -> Iterator[Callable[..., Watched]]:
    """Makes watched pages: `watched(phone=True, dark=True)`."""
    contexts = []

    def make(phone: bool = False, dark: bool = False) -> Watched:
        context = chromium.new_context(
            viewport=PHONE if phone else TABLET,
            has_touch=phone,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        return Watched(context)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def picture() -> Callable[..., None]:
    """`picture(page, name)` keeps a screenshot in the folder that REPORT_IMAGES names, if it does."""

    def keep(page: Any, name: str) -> None:
        folder = os.environ.get("REPORT_IMAGES")
        if folder:
            page.wait_for_timeout(1500)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return keep
