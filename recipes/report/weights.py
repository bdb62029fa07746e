"""Pictures of gradient weights, drawn from recipes.report.curves: all choices of `policy_loss`, or one of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from recipes.common.errors import UserError
from recipes.common.files import require_png, save_picture
from recipes.report.curves import LARGEST_RATIO, LOG_RATIO, OLD_PROBABILITIES, Panel, panel_of, panels

# Related choices side by side; one that is not listed comes last.
ORDER = (
    *("dgpo", "dgpo-1.5b", "maspo", "maspo-1.5b"),
    *("grpo", "clip_higher", "entropy_adv", "bapo"),
    *("m2po", "dac", "sapo", "aspo"),
    *("gppo", "ce_gppo", "ce_gppo-7b"),
    *("cispo", "cispo-scalerl"),
    *("dppo_tv", "dppo_tv-prime_rl", "dppo_kl", "drpo"),
    *("gspo", "gmpo", "topr", "vespo", "respo"),
)
COLUMNS = 4
LOWEST_WEIGHT, LARGEST_WEIGHT = -0.6, 3.25  # only a weight that turns an update back is negative
# Blue and vermilion of Okabe and Ito's palette, which colour-blind readers tell apart; paler for the rarer token.
COLOURS = {1.0: ("#0072B2", "#74B4DB"), -1.0: ("#D55E00", "#F3AC76")}
STYLES: dict[float, dict[str, Any]] = {
    1.0: {"linestyle": "-", "linewidth": 2.2, "zorder": 3},
    -1.0: {"linestyle": (0, (3.2, 1.6)), "linewidth": 1.7, "zorder": 4},
}
PLAIN: dict[str, Any] = {"color": "#8A8A85", "linewidth": 0.8, "linestyle": ":"}
REGION, GRID, SMALL_PRINT = "#E9E9E4", "#DCDCDC", "#555555"


def in_order(found: Iterable[Panel]) -> list[Panel]:
    """Sorted as in ORDER, the rest alphabetically."""
    rank = {choice: number for number, choice in enumerate(ORDER)}
    return sorted(found, key=lambda panel: (rank.get(panel.choices[0], len(ORDER)), panel.choices))


def _draw_curves(axes: Any, panel: Panel, factor: np.ndarray) -> None:
    """The rarer token first, below the other; a curve ends in a dot where π_θ = r·π_old would exceed 1."""
    ratio = np.exp(LOG_RATIO.numpy())
    by_probability = len({old for _, old in panel.curves}) > 1
    for (sign, old), curve in sorted(panel.curves.items(), key=lambda item: item[0][1]):
        colour = COLOURS[sign][OLD_PROBABILITIES.index(old)]
        last = np.searchsorted(ratio, 1.0 / old, side="right") if by_probability else len(ratio)
        drawn = curve * factor
        axes.plot(ratio[:last], drawn[:last], color=colour, **STYLES[sign])
        if last < len(ratio):
            axes.plot(ratio[last - 1], drawn[last - 1], "o", color=colour, markersize=3.5, zorder=5)


def _draw_axes(axes: Any, panel: Panel, of_probability: bool = False) -> None:
    """Trust region, w = r for comparison, and the curves.

    Args:
        axes: of matplotlib.
        panel: what is drawn.
        of_probability: the weight on ∇π_θ = π_θ ∇log π_θ in place of ∇log π_θ, in units of 1/π_old: w/r.
    """
    ratio = np.exp(LOG_RATIO.numpy())
    factor = 1 / ratio if of_probability else np.ones_like(ratio)
    for low, high in panel.regions.values():
        axes.axvspan(low, high, color=REGION, alpha=0.75, linewidth=0, zorder=0)
    axes.plot(ratio, ratio * factor, zorder=2, **PLAIN)
    _draw_curves(axes, panel, factor)
    axes.set_xscale("log", base=2)
    axes.set(xlim=(1 / LARGEST_RATIO, LARGEST_RATIO), ylim=(LOWEST_WEIGHT, LARGEST_WEIGHT), yticks=(0, 1, 2, 3))
    axes.set_xticks((0.25, 0.5, 1, 2, 4), ("¼", "½", "1", "2", "4"))
    axes.minorticks_off()
    axes.grid(color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8, colors=SMALL_PRINT)
    axes.spines[:].set_visible(False)


def _draw_panel(axes: Any, panel: Panel) -> None:
    """The curves and the names."""
    _draw_axes(axes, panel)
    axes.set_title(", ".join(panel.choices), fontsize=10.5, fontweight="bold", loc="left", pad=15)
    axes.text(0, 1.035, ", ".join(panel.notes), transform=axes.transAxes, fontsize=7.5, color=SMALL_PRINT)


def _draw_legend(figure: Any, probabilities: int = len(OLD_PROBABILITIES), columns: int | None = None) -> None:
    """What stands for what; the entries of the rarer token only where one is drawn."""
    usual, rare = OLD_PROBABILITIES
    pale = tuple(Line2D([], [], color=COLOURS[sign][1], **STYLES[sign]) for sign in STYLES)
    entries: dict[str, Any] = {
        "Â > 0": Line2D([], [], color=COLOURS[1.0][0], **STYLES[1.0]),
        "Â < 0": Line2D([], [], color=COLOURS[-1.0][0], **STYLES[-1.0]),
        "w = r": Line2D([], [], **PLAIN),
        "trust region": Patch(color=REGION),
    }
    if probabilities > 1:
        entries[rf"at $\pi_{{\rm old}}$ = {rare:g} instead of {usual:g}, where it matters"] = pale
        entries[r"$\pi_\theta$ = 1"] = Line2D([], [], color=SMALL_PRINT, linestyle="", marker="o", markersize=3.5)
    figure.legend(
        entries.values(),
        entries.keys(),
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.4)},
        loc="outside upper center",
        ncols=columns or len(entries),
        columnspacing=1.6,
        frameon=False,
        fontsize=8.5,
    )


def draw(found: Iterable[Panel]) -> Figure:
    """The figure, as wide as a page."""
    found = in_order(found)
    rows = -(-len(found) // COLUMNS)
    figure = Figure(figsize=(9.6, 2.2 * rows + 0.6), layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.05))
    grid = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid.flat, found, strict=False):
        _draw_panel(axes, panel)
    for axes in grid.flat[len(found) :]:
        axes.set_visible(False)
    figure.supxlabel(r"ratio  $r = \pi_\theta / \pi_{\rm old}$", fontsize=10)
    figure.supylabel(r"gradient weight $w$ on $\hat{A} \cdot \nabla\log\pi_\theta$", fontsize=10)
    _draw_legend(figure)
    return figure


def draw_one(panel: Panel) -> Figure:
    """One choice: its weight on ∇log π_θ, as the code computes it, and the same on ∇π_θ.

    ∇log π_θ = ∇π_θ/π_θ, so a weight w on the one is w/π_θ on the other. PPO's is r inside its trust region, and
    1/π_old on ∇π_θ, whatever r is.
    """
    figure = Figure(figsize=(7.6, 3.5), layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.08))
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    _draw_axes(left, panel)
    _draw_axes(right, panel, of_probability=True)
    name = ", ".join((panel.choices[0], *panel.notes))
    left.set_title(f"{name}\n" + r"$w$ on $\hat{A} \cdot \nabla\log\pi_\theta$", fontsize=10, loc="left")
    right.set_title(
        r"$w/r$ on $\hat{A} \cdot \nabla\pi_\theta$, in units of $1/\pi_{\rm old}$", fontsize=10, loc="left"
    )
    figure.supxlabel(r"ratio  $r = \pi_\theta / \pi_{\rm old}$", fontsize=10)
    probabilities = len({old for _, old in panel.curves})
    _draw_legend(figure, probabilities, columns=4 if probabilities == 1 else 3)
    return figure


def write(picture: Path, words: Sequence[str] = ()) -> None:
    """Draw into a PNG; the same bytes every time.

    Args:
        picture: the file.
        words: overrides that choose one method and its hyper-parameters; all shipped choices without any.

    Raises:
        UserError: not a PNG, a place that can't be written to, or overrides that don't compose.
    """
    require_png(picture, "--output")
    figure = draw_one(panel_of(words)) if words else draw(panels())
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        save_picture(figure, picture, dpi=200, metadata={"Software": None})
    except OSError as error:
        raise UserError(
            f"--output={picture}: {error.strerror or error}. Write --output=<a file that can be written>."
        ) from error
