"""The metrics that say whether a run is well, as one picture: `python -m recipes.report curves DIR --output PNG`."""

from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.report.summary import accuracy_by_step
from recipes.runs.run_folder import RunFolder

# Title → the metrics in that panel, by what the legend calls them; None is the validation accuracy.
PANELS: dict[str, dict[str, str | None]] = {
    "right answers": {"training": "critic/score/mean", "held out": None},
    "entropy, nats": {"": "actor/entropy"},
    "KL to the sampling policy, nats": {"": "actor/ppo_kl"},
    "gradient norm": {"": "actor/grad_norm"},
    "ratio r": {
        "0.1 %": "actor/ratio_quantile/q001",
        "50 %": "actor/ratio_quantile/q50",
        "99.9 %": "actor/ratio_quantile/q999",
    },
    "tokens outside the trust region": {
        "left, Â < 0": "actor/token_share/left_negative",
        "right, Â > 0": "actor/token_share/right_positive",
    },
    "their mean gradient weight": {
        "left, Â < 0": "actor/weight_mean/left_negative",
        "right, Â > 0": "actor/weight_mean/right_positive",
    },
    "difference to vLLM's probability": {"": "training/rollout_probs_diff_mean"},
    "groups that teach nothing": {
        "all right": "reward/groups/all_right_share",
        "all wrong": "reward/groups/all_wrong_share",
    },
    "cut-off responses": {"": "response/truncated_share"},
}
COLUMNS = 5


def series(rows: list[dict[str, Any]], metric: str | None) -> dict[int, float]:
    """Step → value, of the steps that have it."""
    if metric is None:
        return accuracy_by_step(rows)
    return {row["step"]: row["data"][metric] for row in rows if metric in row["data"]}


def draw(run: Path, picture: Path) -> None:
    """Small multiples over the steps of one run.

    Raises:
        UserError: the folder holds no metrics.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = RunFolder(run).rows()
    if not rows:
        raise UserError(f"{run}/metrics.jsonl holds no step: name the folder of a run, outputs/<experiment>/<run>.")
    lines = -(-len(PANELS) // COLUMNS)
    figure, axes = pyplot.subplots(lines, COLUMNS, figsize=(2.9 * COLUMNS, 2.3 * lines), layout="constrained")
    for axis, (title, metrics) in zip(axes.flat, PANELS.items(), strict=False):
        for name, metric in metrics.items():
            found = series(rows, metric)
            axis.plot(list(found), list(found.values()), "o-" if metric is None else "-", label=name, linewidth=1.5)
        axis.set_title(title, fontsize=9.5, loc="left")
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=8)
        if len(metrics) > 1:
            axis.legend(fontsize=7.5, frameon=False)
    for axis in axes[-1]:
        axis.set_xlabel("training step", fontsize=8.5)
    for axis in axes.flat[len(PANELS) :]:
        axis.set_axis_off()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)
