"""Pictures of a study: where a method differs from the baseline, and how the trainings went."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd

from recipes.common.files import save_picture
from recipes.study.comparison import SETTING

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BAND = 1.96  # standard errors
PANELS = {"reward": "expected reward", "outside": "share of tokens outside", "entropy": "entropy, nats"}


def heat_maps(frame: pd.DataFrame, baseline: str, file: Path, measure: str) -> None:
    """Updates × rate, a panel per method: the baseline's own value, the others' mean paired difference to it.

    A dot marks cells whose 95 % interval (uncorrected, results' seeds) holds 0.
    """
    results = frame[~frame.tuning]
    axes = ["group", "staleness", "updates", "rate", "seed"]
    wide = results.pivot(index=axes, columns="method", values=measure)
    others = [name for name in dict.fromkeys(results.method) if name != baseline]
    columns = min(6, len(others) + 1)
    lines = -(-(len(others) + 1) // columns)
    figure, panels = plt.subplots(lines, columns, figsize=(2.3 * columns, 2.1 * lines + 0.5), squeeze=False)
    by_cell = wide.groupby(["updates", "rate"])
    differences = wide[others].sub(wide[baseline], axis=0).groupby(["updates", "rate"])
    error = differences.std() / np.sqrt(differences.count())
    reach = max(float(differences.mean().abs().max().max()), 1e-9) if others else 1.0
    for axis, name in zip(panels.flat, [baseline, *others], strict=False):
        own = by_cell.mean()[baseline] if name == baseline else differences.mean()[name]
        limits = {"vmin": 0, "vmax": 1, "cmap": "Greys"} if name == baseline else _diverging(reach)
        _map(axis, own.unstack("rate"), limits, None if name == baseline else error[name].unstack("rate"))
        axis.set_title(f"{name}: value" if name == baseline else name, fontsize=9)
    for axis in list(panels.flat)[len(others) + 1 :]:
        axis.set_visible(False)
    figure.supxlabel("learning rate", fontsize=9)
    figure.supylabel("updates per batch", fontsize=9)
    _save(figure, file)


def values(frame: pd.DataFrame, file: Path, measure: str) -> None:
    """Updates × rate, a panel per method: the mean of a column over the results' seeds, one scale for all."""
    results = frame[~frame.tuning]
    means = results.groupby(["method", "updates", "rate"])[measure].mean()
    methods = list(dict.fromkeys(results.method))
    columns = min(6, len(methods))
    lines = -(-len(methods) // columns)
    figure, panels = plt.subplots(lines, columns, figsize=(2.3 * columns, 2.1 * lines + 0.5), squeeze=False)
    limits = {"vmin": 0, "vmax": max(float(means.max()), 1e-9), "cmap": "Greys"}
    for axis, name in zip(panels.flat, methods, strict=False):
        _map(axis, means[name].unstack("rate"), limits, None)
        axis.set_title(name, fontsize=9)
    for axis in list(panels.flat)[len(methods) :]:
        axis.set_visible(False)
    figure.supxlabel("learning rate", fontsize=9)
    figure.supylabel("updates per batch", fontsize=9)
    _save(figure, file)


def _diverging(reach: float) -> dict[str, Any]:
    return {"vmin": -reach, "vmax": reach, "cmap": "RdBu"}


def _map(axis: Any, values: pd.DataFrame, limits: dict[str, Any], error: pd.DataFrame | None) -> None:
    axis.imshow(values, aspect="auto", **limits)
    axis.set_xticks(range(values.shape[1]), [f"{rate:g}" for rate in values.columns], fontsize=7)
    axis.set_yticks(range(values.shape[0]), values.index, fontsize=7)
    for (line, column), value in np.ndenumerate(values.to_numpy()):
        unsure = error is not None and not abs(value) > BAND * error.iat[line, column]
        text = f"{value:.2f}" if error is None else f"{100 * value:+.0f}{'·' if unsure else ''}"
        dark = abs(value) > 0.6 * limits["vmax"]
        axis.text(column, line, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")


def curves(frame: pd.DataFrame, table: pd.DataFrame, file: Path) -> None:
    """Reward, share outside and entropy over the training, a line per method at its rate, a row per setting."""
    results = frame[~frame.tuning]
    settings = list(table.groupby(SETTING).groups)
    figure, panels = plt.subplots(len(settings), 3, figsize=(12, 2.6 * len(settings) + 0.8), squeeze=False)
    methods = sorted(set(table.method))
    looks = dict(zip(methods, _looks(), strict=False))
    for line, setting in enumerate(settings):
        here = table[(table[SETTING] == list(setting)).all(axis=1)]
        for _, row in here.iterrows():
            own = results[(results[[*SETTING, "method", "rate"]] == [*setting, row.method, row.rate]).all(axis=1)]
            for axis, name in zip(panels[line], PANELS, strict=True):
                _curve(axis, own, name, row.method, looks[row.method])
        panels[line][0].set_ylabel(f"N = {setting[0]}", fontsize=9)
    for axis, title in zip(panels[0], PANELS.values(), strict=True):
        axis.set_title(title, fontsize=9)
    for axis in panels[-1]:
        axis.set_xlabel("share of the training", fontsize=9)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=9, fontsize=8)
    _save(figure, file)


def _looks() -> Iterator[dict[str, Any]]:
    """Lines that can be told apart: ten colours and their pale ones, each in four styles; then from the start."""
    colours = plt.get_cmap("tab20")(np.r_[0:20:2, 1:20:2])
    styles = ("-", "--", ":", "-.")
    return itertools.cycle({"color": tuple(one), "linestyle": style} for style in styles for one in colours)


def _curve(axis: Any, rows: pd.DataFrame, name: str, label: str, look: dict[str, Any]) -> None:
    values = np.stack(rows[f"curve_{name}"].to_list())  # (seeds, points)
    batch = np.asarray(rows.curve_batch.iloc[0])
    done = batch[len(batch) - values.shape[1] :] / batch[-1]
    mean, error = values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))
    axis.plot(done, mean, label=label, linewidth=1.1, **look)
    axis.fill_between(done, mean - BAND * error, mean + BAND * error, color=look["color"], alpha=0.15, linewidth=0)
    axis.tick_params(labelsize=7)


def _save(figure: Any, file: Path) -> None:
    figure.set_layout_engine("constrained")
    save_picture(figure, file, dpi=110)
    plt.close(figure)
