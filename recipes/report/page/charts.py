"""Which curves the page shows: the catalogue's. The page's script draws what has data and leaves out the rest."""

import re
from typing import Any

from recipes.runs.metrics import ACCURACY, CATALOGUE, LOG, SHARE, Chart, pattern

_HISTOGRAM = r"^actor/ratio_share/bin_\d+$"


def _pattern() -> re.Pattern[str]:
    found = [pattern(metric) for chart in CATALOGUE for metric in (*chart.metrics, chart.errors) if metric]
    return re.compile("|".join([*found, _HISTOGRAM]))


_DRAWN = _pattern()


def drawn(metric: str) -> bool:
    """Whether any chart shows this metric."""
    return bool(_DRAWN.match(metric))


def is_accuracy(metric: str) -> bool:
    """Whether this metric is the accuracy on a benchmark."""
    return bool(re.match(ACCURACY, metric))


def as_data() -> list[dict[str, Any]]:
    """All charts for the page's script."""
    return [_as_data(chart) for chart in CATALOGUE]


def _as_data(chart: Chart) -> dict[str, Any]:
    return {
        "id": chart.id,
        "section": chart.group.capitalize(),
        "title": chart.title,
        "unit": chart.unit,
        "series": list(chart.metrics.items()),
        "form": chart.form,
        "split": chart.split,
        "percent": chart.scale == SHARE,
        "log": chart.scale == LOG,
        "quiet": chart.quiet,
        "note": _note(chart),
    }


def _note(chart: Chart) -> str:
    """What a reader needs to know; the catalogue's words are those of docs/metrics.md, so its Markdown goes."""
    healthy = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", chart.healthy).replace("`", "")
    return f"{chart.note} Healthy: {healthy}.".strip()
