"""Experiment trackers over several attempts at a run: one run there as well, without the steps that are made again."""

import os
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from recipes.common.secrets import redacted_text
from recipes.runs.metrics import CATALOGUE, pattern
from recipes.runs.run_folder import RunFolder


def environment(run: RunFolder, run_id: str, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables from which the trackers that verl starts learn where to write and which run to go on with.

    They are handed to Ray, which writes them down and puts them into command lines. So an address that holds a password
    is not among them: it is read where it was set, on every node of a cluster.

    Args:
        run: its folder.
        run_id: the same for all attempts.
        given: variables that are set already; where to write is their choice, but for TensorBoard's.
    """
    ours = {
        "TENSORBOARD_DIR": str(run.tensorboard.absolute()),
        "WANDB_RUN_ID": run_id,
        "WANDB_RESUME": "allow",
        "SWANLAB_RUN_ID": run_id,
        "SWANLAB_RESUME": "allow",
    }
    places = {
        "WANDB_DIR": str(run.path.absolute()),  # wandb makes its folder wandb/ there
        "SWANLAB_LOG_DIR": str((run.path / "swanlab").absolute()),
        # verl's own choice is one file in /tmp for all runs of all users.
        "MLFLOW_TRACKING_URI": f"sqlite:///{(run.path / 'mlflow.db').absolute()}",
    }
    # Always stated: Ray's workers on other nodes do not inherit them.
    found = ours | {name: given.get(name) or place for name, place in places.items()}
    return {name: value for name, value in found.items() if redacted_text(value, {}) == value}


def start(config: DictConfig, run: RunFolder, first: int) -> None:
    """Prepare TensorBoard's folder: its layout for a new run; for one that goes on, what is void.

    Args:
        config: resolved.
        run: its folder.
        first: step that this attempt starts from; what was logged after it is made again.
    """
    folder = run.tensorboard
    if not folder.is_dir() and "tensorboard" not in config.trainer.logger:
        return
    from torch.utils.tensorboard import SummaryWriter

    if folder.is_dir():
        SummaryWriter(str(folder), purge_step=first + 1).close()
    else:
        writer = SummaryWriter(str(folder))
        writer.add_custom_scalars(layout())
        writer.close()


def layout() -> dict[str, dict[str, list[Any]]]:
    """TensorBoard's tab "Custom Scalars": group → chart → its kind and its tags, as regular expressions."""
    groups: dict[str, dict[str, list[Any]]] = {}
    for chart in CATALOGUE:
        charts = groups.setdefault(chart.group, {})
        charts[chart.title] = ["Multiline", [_tag(metric) for metric in chart.metrics]]
        if chart.errors:
            charts[f"{chart.title}: standard error"] = ["Multiline", [_tag(chart.errors)]]
    return groups


def _tag(metric: str) -> str:
    """TensorBoard writes _ for @ and other signs in a tag."""
    return pattern(metric).replace("@", ".")
