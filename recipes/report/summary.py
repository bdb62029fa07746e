"""What came out of a run: a table for the terminal and a picture of its curves."""

from pathlib import Path
from typing import Any

from rich.table import Table

from recipes.common.files import save_picture
from recipes.runs.metrics import REWARD
from recipes.runs.metrics_file import series, validation_accuracy


def accuracy_by_step(rows: list[dict[str, Any]]) -> dict[int, float]:
    """Step → Avg@n on the validation problems, for the steps that validated."""
    found = ((row["step"], validation_accuracy(row["data"])) for row in rows)
    return {step: accuracy for step, accuracy in found if accuracy is not None}


def reward_by_step(rows: list[dict[str, Any]]) -> dict[int, float]:
    """Step → mean reward of the training responses."""
    return series(rows, REWARD)


def summary_table(rows: list[dict[str, Any]], samples: int) -> Table:
    """Avg@samples on the held-out problems before and after, and the reward at both ends.

    Args:
        rows: of the run.
        samples: samples per validation problem.
    """
    accuracy, reward = accuracy_by_step(rows), reward_by_step(rows)
    table = Table(title=f"{len(reward)} training steps")
    for column in ("", "before", "after", "change"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in ((f"Avg@{samples} on held-out problems", accuracy), ("mean reward in training", reward)):
        if len(values) >= 2:
            first, last = values[min(values)], values[max(values)]
            table.add_row(name, f"{first:.1%}", f"{last:.1%}", f"{100 * (last - first):+.1f} points")
    return table


def draw_curves(rows: list[dict[str, Any]], picture: Path, title: str, samples: int) -> None:
    """Write a PNG with reward and validation accuracy over steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    reward, accuracy = reward_by_step(rows), accuracy_by_step(rows)
    axes.plot(list(reward), list(reward.values()), label="mean reward of training responses", linewidth=1.5)
    axes.plot(list(accuracy), list(accuracy.values()), "o-", label=f"Avg@{samples} on held-out problems", linewidth=2)
    axes.set(xlabel="training step", ylabel="share of right answers", ylim=(0, 1), title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    save_picture(figure, picture, dpi=150)
    pyplot.close(figure)
