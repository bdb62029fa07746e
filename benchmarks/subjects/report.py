"""How long the page of a long run takes to build and to open: `python -m benchmarks.run report`.

A made-up run of 2,000 steps and 100,000 responses (500 to 1,500 characters of words by chance, which compress no better
than real text); Chromium opens its page. And one of the papers' scale, 300 steps that keep 1,024 responses of some
12,000 characters each. Needs playwright and Debian's chromium.
"""

import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import timing
from benchmarks.measure.responses import reasoning
from recipes.report.page import build
from recipes.runs.dumps import Dumps
from recipes.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
TITLE = "The report of a long run"
PROMPTS, SAMPLES = 10, 5  # per step
CHARACTERS = (5, 14)  # sentences of about 95 characters
PAPERS = {"steps": 300, "responses": 1024, "characters": 12_000}  # of a run of the papers' size with dumps.keep=sample
FILES = 6  # different steps; the others are links to them


def made_run(folder: Path, steps: int) -> Path:
    """The run folder."""
    sys.path.append(str(ROOT / "tests" / "support"))
    from made_runs import Made, make

    made = Made(steps=steps, every=0, prompts=PROMPTS, samples=SAMPLES, thoughts=CHARACTERS, babble=True)
    return make(folder / "run", made)


def papers_run(folder: Path, steps: int, responses: int, characters: int) -> Path:
    """A run folder with so many compressed responses in each step."""
    sys.path.append(str(ROOT / "tests" / "support"))
    from made_runs import Made, make

    run = make(folder / "papers", Made(steps=steps, every=0, prompts=1, samples=1))
    place, rng = RunFolder(run).responses("train"), random.Random(0)
    for file in place.iterdir():
        file.unlink()
    words = reasoning(rng, 400_000)
    for first in range(1, FILES + 1):
        starts = [rng.randrange(len(words) - 3 * characters) for _ in range(responses)]
        right = [float(rng.random() < 0.5) for _ in starts]
        columns = {
            "input": [f"Problem {place_ // 16} of {first}." for place_ in range(responses)],
            "output": [words[start : start + rng.randrange(characters // 4, 7 * characters // 4)] for start in starts],
            **{"gts": ["7"] * responses, "score": right, "acc": right, "length": [characters // 4] * responses},
        }
        written = Dumps(compress=True).write(place, first, columns)
        for step in range(first + FILES, steps + 1, FILES):
            os.link(written, written.with_name(written.name.replace(str(first), str(step), 1)))
    return run


def papers_scale(steps: int) -> dict[str, Any]:
    """The page of such a run, in a process of its own for its memory."""
    with tempfile.TemporaryDirectory(prefix="rlvr-report-") as place:
        run = papers_run(Path(place), **PAPERS | {"steps": steps})
        code = (
            "import json, sys, pathlib\nfrom benchmarks.subjects.report import built\n"
            "print(json.dumps(built(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))))"
        )
        command = [sys.executable, "-c", code, str(run), str(Path(place) / "page.html")]
        found: dict[str, Any] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
        return {**found, "steps": steps, "per_step": PAPERS["responses"]}


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
        found = {"steps": steps, **built(run, page), **opened(page, times)}
    return {**found, "papers": papers_scale(FILES if quick else PAPERS["steps"])}


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

{timing.table(["what", "measured"], rows)}{_papers(measured.get("papers"))}"""


def _papers(found: dict[str, Any] | None) -> str:
    """A sentence about the run of the papers' scale; none where it was not measured."""
    if found is None:
        return ""
    return (
        f"\n\nAt the papers' scale, {found['steps']} steps that keep {found['per_step']:,} responses each: built in "
        f"{found['build_seconds']} s with {found['peak_memory_mib']:,} MiB, {found['page_megabytes']} MB; "
        f"{found['responses_shown']:,} of the {found['responses']:,} responses that were read are in it."
    )
