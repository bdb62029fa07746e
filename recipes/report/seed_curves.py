"""Training curves of several methods and seeds: the mean over seeds, and where the seeds lie."""

import re
from pathlib import Path

import numpy as np

from recipes.common.files import save_picture
from recipes.report.cells import RUN_NAME, method_names
from recipes.report.summary import reward_by_step
from recipes.runs.metrics import ENTROPY
from recipes.runs.metrics_file import series
from recipes.runs.run_folder import RunFolder

WINDOW = 5  # steps of the moving mean

Curves = dict[str, list[dict[int, float]]]  # method → one curve per seed


def read(root: Path, scale: str) -> tuple[Curves, Curves]:
    """Reward and entropy by step of all runs of a scale: <root>/<paper>/<model>_<method>-<scale>-seed<k>."""
    rewards: Curves = {}
    entropies: Curves = {}
    for run in (*RunFolder.found(root, "dgpo/*"), *RunFolder.found(root, "maspo/*")):
        name = re.fullmatch(RUN_NAME, run.path.name)
        if name is None or (name["scale"] or "paper") != scale:
            continue
        rows = run.rows()
        rewards.setdefault(name["method"], []).append(reward_by_step(rows))
        entropies.setdefault(name["method"], []).append(series(rows, ENTROPY))
    return rewards, entropies


def band(curves: list[dict[int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Steps that all seeds have, and there the mean, least and largest of their moving means."""
    steps = np.array(sorted(set.intersection(*(set(curve) for curve in curves))))
    smooth = np.array([_smooth(np.array([curve[step] for step in steps])) for curve in curves])
    return steps, smooth.mean(0), smooth.min(0), smooth.max(0)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Mean of the last WINDOW values, of fewer at the start."""
    return np.array([values[max(0, end - WINDOW) : end].mean() for end in range(1, len(values) + 1)])


def draw(root: Path, scale: str, picture: Path) -> bool:
    """Small multiples, one per method, with GRPO in grey behind each; returns whether there was anything to draw."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rewards, entropies = read(root, scale)
    methods = [method for method in method_names() if method in rewards]
    if not methods:
        return False
    columns = min(6, len(methods))
    rows = -(-len(methods) // columns)
    figure, axes = pyplot.subplots(
        2 * rows, columns, figsize=(2.4 * columns, 4 * rows), sharex=True, sharey="row", squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for place, method in enumerate(methods):
        row, column = divmod(place, columns)
        for curves, axis in ((rewards, axes[2 * row][column]), (entropies, axes[2 * row + 1][column])):
            for name, colour in (("grpo", "0.6"), (method, "C0")):
                if name in curves and all(curves[name]):
                    steps, mean, low, high = band(curves[name])
                    axis.plot(steps, mean, color=colour, linewidth=1.6)
                    axis.fill_between(steps, low, high, color=colour, alpha=0.25, linewidth=0)
            axis.grid(alpha=0.3)
        axes[2 * row][column].set_title(f"{method_names()[method]} ({len(rewards[method])} seeds)", fontsize=10)
    for place in range(len(methods), rows * columns):
        for below in (0, 1):
            axes[2 * (place // columns) + below][place % columns].set_axis_off()
    for row in range(rows):
        axes[2 * row][0].set_ylabel("reward in training")
        axes[2 * row + 1][0].set_ylabel("entropy, nats")
    for axis in axes[-1]:
        axis.set_xlabel("step")
    figure.suptitle(
        f"scale {scale}: mean over seeds, mean of the last {WINDOW} steps; shaded: least to largest; grey: GRPO",
        fontsize=10,
    )
    save_picture(figure, picture, dpi=130)
    pyplot.close(figure)
    return True
