"""Put a page together: what the runs hold as data, the scripts that draw it, and a policy that bars all others."""

import base64
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from recipes.common.errors import UserError
from recipes.common.files import write_atomically
from recipes.report.page import charts, chunks, method_weight, responses, series, settings
from recipes.report.page.run_files import RunFiles
from recipes.report.page.sanitize import display_text, packed, script_json
from recipes.report.page.story import story
from recipes.runs.manifest import now

ASSETS = Path(__file__).resolve().parent / "assets"
OURS = (
    "text.js",
    "store.js",
    "plots.js",
    "figures.js",
    "weights.js",
    "table.js",
    "summary.js",
    "page.js",
)  # in the order they run
RESPONSES_BUDGET = 12 * 2**20  # bytes of the page for responses; Plotly's script takes 4.8 MB
MOST_RUNS = 12


def write(folders: Sequence[Path], output: Path) -> None:
    """Write the page of one run or of several.

    Raises:
        UserError: a folder holds no run, or there are too many.
    """
    html = document(page_data(folders))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, html)


def page_data(folders: Sequence[Path]) -> dict[str, Any]:
    """Everything that the page of these runs shows.

    Raises:
        UserError: a folder holds no run, or there are too many.
    """
    if len(folders) > MOST_RUNS:
        raise UserError(f"{len(folders)} runs are too many to be told apart: write at most {MOST_RUNS}.")
    runs = [RunFiles.read(folder) for folder in folders]
    shown = [_run_data(run, name, len(runs)) for run, name in zip(runs, names(runs), strict=True)]
    return page(shown, settings.groups(runs))


def page(
    runs: list[dict[str, Any]], tables: list[dict[str, Any]], cursor: str | None = None, seconds: float = 0.0
) -> dict[str, Any]:
    """What the page's script reads.

    Args:
        runs: see `_run_data`.
        tables: config and environment.
        cursor: of a live page; None for a file.
        seconds: between two questions of a live page.
    """
    return {
        "live": None if cursor is None else {"cursor": cursor, "seconds": seconds},
        "built": now(),
        "runs": runs,
        "charts": charts.as_data(),
        "edges": method_weight.ratio_edges(),
        "settings": tables,
    }


def _run_data(run: RunFiles, name: str, of: int) -> dict[str, Any]:
    """One run of `of` that share a page; `batches` hold its responses, packed."""
    figure, why = method_weight.weight_figure(run)
    batch, shown = response_batch(responses.response_files(run.path), RESPONSES_BUDGET // of)
    told = story(run)
    told["notes"] += notes(shown, why)
    return {
        "name": name,
        "story": told,
        "series": packed(series.columns(series.thinned(run.rows, charts.is_accuracy), charts.drawn)),
        "weight": figure,
        "responses": shown,
        "batches": [batch] if batch["count"] else [],
    }


def response_batch(files: list[tuple[str, int, Path]], budget: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The responses of these files within `budget` bytes, and how many they are of how many."""
    read = responses.read(files)
    batch, shown = chunks.within_budget(read.responses, budget)
    return batch, {**shown, "files": read.files, "skipped": read.skipped, "broken": read.broken}


def notes(shown: dict[str, Any], figure_note: str | None) -> list[str]:
    """Sentences about responses that could not be read and a weight that is not drawn."""
    broken = shown["broken"]
    lines = f"{broken} line{'s' * (broken > 1)} under generations/: no response, left out." if broken else None
    return [display_text(note, 500) for note in (lines, figure_note) if note]


def names(runs: Sequence[RunFiles]) -> list[str]:
    """Short names of the runs, all different."""
    short = [display_text(str(run.setting("trainer.experiment_name") or run.path.resolve().name), 80) for run in runs]
    if len(set(short)) == len(short):
        return short
    folders = [display_text("/".join(run.path.resolve().parts[-2:]), 120) for run in runs]
    return folders if len(set(folders)) == len(folders) else [f"{name} ({i})" for i, name in enumerate(short, 1)]


def document(data: dict[str, Any]) -> str:
    """The HTML around the data."""
    batches = [run.pop("batches") for run in data["runs"]]
    scripts = [_plotly(), *filter(None, [_katex()]), *((ASSETS / name).read_text() for name in OURS)]
    environment = Environment(autoescape=True)
    return environment.from_string((ASSETS / "page.html").read_text()).render(
        title=" · ".join(run["name"] for run in data["runs"])[:120],
        policy=policy(scripts, live=data["live"] is not None),
        style=(ASSETS / "page.css").read_text(),
        data=script_json(data),
        batches=script_json(batches),
        scripts=scripts,
    )


def policy(scripts: Sequence[str], live: bool) -> str:
    """A Content-Security-Policy: these scripts and no other, no connection (live: to its own server only)."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    connect = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _katex() -> str | None:
    """KaTeX's script out of sphinxcontrib-katex, without importing that: it wants Sphinx. None where it is missing."""
    try:
        found = importlib.util.find_spec("sphinxcontrib.katex")
    except ModuleNotFoundError:
        return None
    script = Path(found.origin).with_name("katex.min.js") if found and found.origin else None
    return f"/* KaTeX, MIT license */\n{script.read_text()}" if script and script.is_file() else None
