"""The picture of recipes.plan.published: planned against published seconds, and the error of each phase."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot

from recipes.common.files import save_picture
from recipes.plan.figure import GRID
from recipes.plan.published import FIGURES, STEP, Compared

COLOURS = {"generation": "#1f5fa8", "old log-probs": "#7a4b9c", "update": "#c4561a", STEP: "#222222"}
MARKERS = {False: "o", True: "D"}  # calibrates, judges


def _against(axes: Any, found: Sequence[Compared]) -> None:
    """Both axes in seconds; a bar from the fast to the slow end of the plan."""
    for one in found:
        for name, seconds in one.row.seconds.items():
            colour, judges = COLOURS[name], one.row.judges
            axes.plot([seconds] * 2, [one.low[name], one.high[name]], color=colour, alpha=0.25, linewidth=2.5)
            fill = colour if judges else "white"
            axes.plot(seconds, one.centre[name], MARKERS[judges], color=colour, markerfacecolor=fill, markersize=4.5)
    ends = [2, 10_000]
    axes.plot(ends, ends, color="#888888", linewidth=1)
    axes.fill_between(ends, [0.65 * end for end in ends], [1.35 * end for end in ends], color="#888888", alpha=0.12)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="published seconds", ylabel="planned seconds")
    axes.set_title("Filled: judges; hollow: calibrates; bars: the plan's range", fontsize=9)


def _errors(axes: Any, found: Sequence[Compared]) -> None:
    """One column per phase, in percent."""
    for place, name in enumerate(FIGURES):
        known = [one for one in found if name in one.row.seconds]
        for step, one in enumerate(known):
            offset = 0.5 * (step / max(1, len(known) - 1) - 0.5)
            fill = COLOURS[name] if one.row.judges else "white"
            marker = MARKERS[one.row.judges]
            axes.plot(
                place + offset,
                100 * one.error(name),
                marker,
                color=COLOURS[name],
                markerfacecolor=fill,
                markersize=4.5,
            )
    axes.axhspan(-35, 35, color="#888888", alpha=0.12, linewidth=0)
    axes.axhline(0, color="#888888", linewidth=1)
    axes.set_xticks(range(len(FIGURES)), FIGURES)
    axes.set(ylabel="error of the central case, %", ylim=(-110, 480))
    axes.set_title("Error of each phase; grey: within 35 %", fontsize=9)


def write(found: Sequence[Compared], picture: Path, digest: str) -> None:
    """Draw into a PNG that carries `digest`, of the table beside it, as its description."""
    figure, axes = pyplot.subplots(1, 2, figsize=(10.5, 4.6), layout="constrained")
    _against(axes[0], found)
    _errors(axes[1], found)
    for one in axes:
        one.grid(color=GRID, linewidth=0.5)
        one.spines[["top", "right"]].set_visible(False)
    handles = [pyplot.Line2D([], [], color=COLOURS[name], marker="D", linestyle="", label=name) for name in FIGURES]
    axes[0].legend(handles=handles, frameon=False, fontsize=8, loc="upper left")
    picture.parent.mkdir(parents=True, exist_ok=True)
    save_picture(figure, picture, dpi=150, metadata={"Software": None, "Description": digest})
    pyplot.close(figure)
