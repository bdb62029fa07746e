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
    if len(accuracy) >= 2:
        first, last = _ends(accuracy)
        change = f"{100 * (last - first):+.1f} points"
        table.add_row(f"Avg@{samples} on held-out problems", f"{first:.1%}", f"{last:.1%}", change)
    if len(reward) >= 2:  # of any scale, where the verifier is one's own
        first, last = _ends(reward)
        table.add_row("mean reward in training", f"{first:.3f}", f"{last:.3f}", f"{last - first:+.3f}")
    return table


def _ends(values: dict[int, float]) -> tuple[float, float]:
    return values[min(values)], values[max(values)]


def draw_curves(rows: list[dict[str, Any]], picture: Path, title: str, samples: int) -> None:
    """Write a PNG with reward and validation accuracy over steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    reward, accuracy = reward_by_step(rows), accuracy_by_step(rows)
    axes.plot(list(reward), list(reward.values()), label="mean reward of training responses", linewidth=1.5)
    axes.plot(list(accuracy), list(accuracy.values()), "o-", label=f"Avg@{samples} on held-out problems", linewidth=2)
    axes.set(xlabel="training step", ylabel="reward, share of right answers", title=title)
    if all(0 <= value <= 1 for value in (*reward.values(), *accuracy.values())):
        axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no step 2.5
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    save_picture(figure, picture, dpi=150)
    pyplot.close(figure)
