"""How long the page of a long run takes to build and to open: `python -m benchmarks.run report`.

A made-up run of 2,000 steps and 100,000 responses (500 to 1,500 characters of words by chance, which compress no better
than real text); Chromium opens its page. Needs playwright and Debian's chromium.
"""

import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import timing
from recipes.report.page import build

ROOT = Path(__file__).resolve().parents[2]
TITLE = "The report of a long run"
PROMPTS, SAMPLES = 10, 5  # per step
CHARACTERS = (5, 14)  # sentences of about 95 characters


def made_run(folder: Path, steps: int) -> Path:
    """The run folder."""
    sys.path.append(str(ROOT / "tests" / "unit" / "support"))
    from made_runs import Made, make

    made = Made(steps=steps, every=0, prompts=PROMPTS, samples=SAMPLES, thoughts=CHARACTERS, babble=True)
    return make(folder / "run", made)


def built(run: Path, page: Path) -> dict[str, Any]:
    """Build the page; what it took and what it holds."""
    started = time.perf_counter()
    data = build.page_data([run])
    shown = dict(data["runs"][0]["responses"])
    page.write_text(build.document(data), encoding="utf-8")
    return {
        "build_seconds": round(time.perf_counter() - started, 1),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "page_megabytes": round(page.stat().st_size / 1e6, 1),
        "responses": shown["read"],
        "responses_shown": shown["shown"],
    }


def opened(page: Path, times: int) -> dict[str, Any]:
    """Open the page in Chromium `times` times: until its summary stands there, and until everything answers."""
    from playwright.sync_api import sync_playwright

    ready, texts = [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--headless=new"]
        )
        for _ in range(times):
            tab = browser.new_page()
            started = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="commit")
            tab.wait_for_selector("html[data-ready]")
            ready.append(time.perf_counter() - started)
            started = time.perf_counter()
            tab.click("#rows .open >> nth=7")
            tab.wait_for_selector("dialog[open] .text")
            texts.append(time.perf_counter() - started)
            tab.close()
        version = browser.version
        browser.close()
    return {
        "open_seconds": round(statistics.median(ready), 2),
        "text_seconds": round(statistics.median(texts), 2),
        "opened_times": times,
        "chromium": version,
    }


def measure(quick: bool = False) -> dict[str, Any]:
    """Build and open the page."""
    steps, times = (100, 2) if quick else (2000, 5)
    with tempfile.TemporaryDirectory(prefix="rlvr-report-") as place:
        run, page = made_run(Path(place), steps), Path(place) / "report.html"
        return {"steps": steps, **built(run, page), **opened(page, times)}


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        ["build, imports included", f"{measured['build_seconds']} s"],
        ["size of the page", f"{measured['page_megabytes']} MB"],
        ["responses in it", f"{measured['responses_shown']:,} of {measured['responses']:,}"],
        ["peak memory of the build", f"{measured['peak_memory_mib']:,} MiB"],
        [f"open in Chromium {measured['chromium'].split('.')[0]}, until it answers", f"{measured['open_seconds']} s"],
        ["open the text of one response", f"{measured['text_seconds']} s"],
    ]
    return f"""A made-up run of {measured["steps"]:,} steps and {measured["responses"]:,} responses of 500 to 1,500 \
characters. Times in the browser are medians of {measured["opened_times"]}.

{timing.table(["what", "measured"], rows)}"""
