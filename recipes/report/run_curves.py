"""The metrics that say whether a run is well, as one picture: `python -m recipes.report curves DIR --output PNG`."""

from pathlib import Path

from recipes.common.errors import UserError
from recipes.common.files import require_png, save_picture
from recipes.report.summary import accuracy_by_step
from recipes.runs.metrics import CATALOGUE, REWARD
from recipes.runs.metrics_file import series
from recipes.runs.run_folder import RunFolder

COLUMNS = 5


def panels() -> dict[str, dict[str, str]]:
    """Title → the metrics in that panel, with what the legend calls them: what the catalogue shows at a glance."""
    return {chart.title: {name: chart.metrics[name] for name in chart.glance} for chart in CATALOGUE if chart.glance}


def draw(run: Path, picture: Path) -> None:
    """Small multiples over the steps of one run.

    Raises:
        UserError: the folder holds no metrics, or the picture is no PNG.
    """
    require_png(picture, "--output")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = RunFolder(run).rows()
    if not rows:
        raise UserError(f"{run}/metrics.jsonl holds no step: name the folder of a run, outputs/<experiment>/<run>.")
    shown = panels()
    lines = -(-len(shown) // COLUMNS)
    figure, axes = pyplot.subplots(lines, COLUMNS, figsize=(2.9 * COLUMNS, 2.3 * lines), layout="constrained")
    for axis, (title, metrics) in zip(axes.flat, shown.items(), strict=False):
        for metric, name in metrics.items():
            found = series(rows, metric)
            axis.plot(list(found), list(found.values()), label=name, linewidth=1.5)
        if REWARD in metrics and (accuracy := accuracy_by_step(rows)):
            axis.plot(list(accuracy), list(accuracy.values()), "o-", label="accuracy, held out", linewidth=1.5)
        axis.set_title(title, fontsize=9.5, loc="left")
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=8)
        if len(axis.lines) > 1:
            axis.legend(fontsize=7.5, frameon=False)
    for axis in axes[-1]:
        axis.set_xlabel("training step", fontsize=8.5)
    for axis in axes.flat[len(shown) :]:
        axis.set_axis_off()
    picture.parent.mkdir(parents=True, exist_ok=True)
    save_picture(figure, picture, dpi=110)
    pyplot.close(figure)
