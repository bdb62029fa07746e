"""How long the page of a long run takes to build and to open: `python -m benchmarks.report`.

Makes a run of 2,000 steps and 100,000 responses (500 to 1,500 characters of words by chance, which compress no better
than real text), builds its page, opens it in Chromium, and writes docs/results/report.json and report.md. Needs
playwright and Debian's chromium.
"""

import argparse
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from recipes import manifest
from recipes.report.page import build

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
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


def table(facts: dict[str, Any], steps: int) -> str:
    """Markdown."""
    machine = facts["machine"]
    return "\n".join(
        [
            "# The report of a long run",
            "",
            f"`python -m benchmarks.report --steps {steps}` on {machine['cores']} cores of {machine['processor']}: a "
            f"made-up run of {steps:,} steps and {facts['responses']:,} responses of 500 to 1,500 characters.",
            "",
            "| what | measured |",
            "|---|---|",
            f"| build, imports included | {facts['build_seconds']} s |",
            f"| size of the page | {facts['page_megabytes']} MB |",
            f"| responses in it | {facts['responses_shown']:,} of {facts['responses']:,} |",
            f"| peak memory of the build | {facts['peak_memory_mib']:,} MiB |",
            f"| open in Chromium {facts['chromium'].split('.')[0]}, until it answers | {facts['open_seconds']} s |",
            f"| open the text of one response | {facts['text_seconds']} s |",
            "",
            f"Times in the browser are medians of {facts['opened_times']}.",
            "",
        ]
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--times", type=int, default=5, help="how often the page is opened")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rlvr-report-") as place:
        run, page = made_run(Path(place), arguments.steps), Path(place) / "report.html"
        facts = {"steps": arguments.steps, **built(run, page), **opened(page, arguments.times)}
    facts |= {"machine": manifest.machine(), "versions": manifest.versions(), "git": manifest.git_state()}
    (RESULTS / "report.json").write_text(json.dumps(facts, indent=1) + "\n")
    (RESULTS / "report.md").write_text(table(facts, arguments.steps))
    print((RESULTS / "report.md").read_text())


if __name__ == "__main__":
    main()
