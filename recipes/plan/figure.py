"""The picture of recipes.plan.scale."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot

from recipes.common.errors import UserError
from recipes.common.files import require_png, save_picture
from recipes.plan.scale import Point

SYNC, ASYNC, GRID = "#1f5fa8", "#c4561a", "#dddddd"
STRONG, WEAK = "#3a7d44", "#7a4b9c"
Ranges = Sequence[tuple[Point, Point]]


def _band(axes: Any, ranges: Ranges, field: str, colour: str, label: str) -> None:
    known = [(best, worst) for best, worst in ranges if getattr(best, field) and getattr(worst, field)]
    gpus = [best.gpus for best, _ in known]
    best, worst = ([getattr(pair[end], field) for pair in known] for end in (0, 1))
    axes.fill_between(gpus, worst, best, color=colour, alpha=0.18, linewidth=0)
    middle = [(low * high) ** 0.5 for low, high in zip(worst, best, strict=True)]
    axes.plot(gpus, middle, color=colour, marker="o", markersize=3, linewidth=1.4, label=label)


def _rates(axes: Any, ranges: Ranges, title: str) -> None:
    """Responses per second against GPUs, and the straight line of a perfect trainer through the first point."""
    _band(axes, ranges, "sync_rate", SYNC, "synchronous")
    _band(axes, ranges, "async_rate", ASYNC, "asynchronous, separate GPUs")
    best, worst = ranges[0]
    first = (best.sync_rate * worst.sync_rate) ** 0.5
    gpus = [pair[0].gpus for pair in ranges]
    axes.plot(
        gpus, [first * size / gpus[0] for size in gpus], color="#888888", linestyle=":", linewidth=1, label="linear"
    )
    axes.set(yscale="log", title=title, ylabel="responses trained on per second")
    axes.legend(frameon=False, fontsize=8)


def _straggler(axes: Any, strong: Ranges, weak: Ranges) -> None:
    for ranges, colour, label in ((strong, STRONG, "this run's batch"), (weak, WEAK, "growing batch")):
        gpus = [best.gpus for best, _ in ranges]
        low, high = ([100 * pair[end].straggler for pair in ranges] for end in (0, 1))
        axes.fill_between(gpus, low, high, color=colour, alpha=0.18, linewidth=0)
        middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
        axes.plot(gpus, middle, color=colour, marker="o", markersize=3, linewidth=1.4, label=label)
    axes.set(ylim=(0, 100), title="Synchronous: lost to the longest response", ylabel="% of generation's GPU-time")
    axes.legend(frameon=False, fontsize=8)


def write(found: Ranges, title: str, picture: Path) -> None:
    """Draw into a PNG; the same bytes every time.

    Raises:
        UserError: not a PNG, or a place that can't be written to.
    """
    require_png(picture, "plot")
    strong, weak = ([pair for pair in found if pair[0].weak is kind] for kind in (False, True))
    figure, axes = pyplot.subplots(1, 3, figsize=(12.6, 3.9), layout="constrained")
    _rates(axes[0], strong, "This run's batch (strong scaling)")
    _rates(axes[1], weak, "Batch grows with the GPUs (weak scaling)")
    _straggler(axes[2], strong, weak)
    for one in axes:
        one.set_xscale("log", base=2)
        gpus = [pair[0].gpus for pair in strong]
        one.set_xticks(gpus, [f"{size:,}" for size in gpus], rotation=45, fontsize=7.5)
        one.set_xlabel("GPUs")
        one.minorticks_off()
        one.grid(color=GRID, linewidth=0.5)
        one.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=10)
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        save_picture(figure, picture, dpi=150, metadata={"Software": None})
    except OSError as error:
        raise UserError(
            f"plot={picture}: {error.strerror or error}. Write plot=<a file that can be written>."
        ) from error
    finally:
        pyplot.close(figure)
