"""One run in a tracker over all attempts, in the run's folder; TensorBoard's charts are laid out once."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from torch.utils.tensorboard import SummaryWriter

from losses.metrics import BOUNDARY_CASES
from recipes.runs import trackers
from recipes.runs.run_folder import RunFolder
from reward.verdict import STATUSES

CONFIG = OmegaConf.create({"trainer": {"logger": ["console", "file", "tensorboard"]}})
# A tag per family that this project or verl writes, with what TensorBoard makes of it.
WRITTEN = [
    "critic/score/mean",
    "val-core/arithmetic/acc/mean@4",
    "val-aux/math_dapo/acc/stderr@32",
    "reward/groups/all_right_share",
    "reward/groups/all_wrong_share",
    "actor/entropy",
    "actor/ppo_kl",
    "actor/ratio_quantile/q001",
    "actor/ratio_quantile/q999",
    *(f"actor/{kind}/{case}" for kind in ("token_share", "weight_mean") for case in BOUNDARY_CASES),
    "actor/maspo_gate",
    "actor/maspo_sigma",
    "actor/grad_norm",
    "actor/lr",
    "actor/skipped_updates",
    "training/rollout_probs_diff_mean",
    "rollout_corr/log_ppl_abs_diff",
    "response_length/mean",
    "response/truncated_share",
    *(f"reward/status/{status}" for status in STATUSES),
    "timing_s/step",
    *(f"timing_s/{phase}" for phase in ("gen", "old_log_prob", "update_actor", "update_weights", "testing")),
    "timing_s/save_checkpoint",
    "perf/throughput",
]


def log(folder: Path, steps: range) -> None:
    writer = SummaryWriter(str(folder))
    for step in steps:
        for name in WRITTEN:
            writer.add_scalar(name, float(step), step)
    writer.close()


def read_layout(folder: Path) -> layout_pb2.Layout:
    events = EventAccumulator(str(folder)).Reload()
    content = events.Tensors("custom_scalars__config__")
    assert len(content) == 1
    return layout_pb2.Layout.FromString(content[0].tensor_proto.string_val[0])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    trackers.start(CONFIG, RunFolder(tmp_path), 0)
    log(tmp_path / "tensorboard", range(4))
    return tmp_path


def test_every_chart_holds_something_and_every_tag_has_a_chart(run: Path) -> None:
    tags = EventAccumulator(str(run / "tensorboard")).Reload().Tags()["scalars"]
    assert len(tags) == len(WRITTEN)
    charts = {
        f"{group.title}: {chart.title}": [tag for tag in tags for word in chart.multiline.tag if re.match(word, tag)]
        for group in read_layout(run / "tensorboard").category
        for chart in group.chart
    }
    assert [group.title for group in read_layout(run / "tensorboard").category] == ["learning", "policy", "running"]
    assert [name for name, found in charts.items() if not found] == []
    shown = [tag for found in charts.values() for tag in found]
    assert sorted(shown) == sorted(tags), "each in one chart"


def test_a_run_that_goes_on_keeps_its_layout_and_drops_what_is_made_again(run: Path) -> None:
    trackers.start(CONFIG, RunFolder(run), 2)
    log(run / "tensorboard", range(3, 6))
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("critic/score/mean")] == [0, 1, 2, 3, 4, 5]
    assert len(read_layout(run / "tensorboard").category) == 3


def test_without_tensorboard_there_is_no_folder(tmp_path: Path) -> None:
    trackers.start(OmegaConf.create({"trainer": {"logger": ["console", "file"]}}), RunFolder(tmp_path), 0)
    assert list(tmp_path.iterdir()) == []


def test_where_to_write_is_the_persons_choice_and_the_run_is_not(tmp_path: Path) -> None:
    given = {"WANDB_DIR": "/elsewhere", "MLFLOW_TRACKING_URI": "http://host", "WANDB_RUN_ID": "stale"}
    set_here = trackers.environment(RunFolder(tmp_path), "abc123", given)
    assert set_here["WANDB_DIR"] == "/elsewhere" and set_here["MLFLOW_TRACKING_URI"] == "http://host"
    assert set_here["WANDB_RUN_ID"] == set_here["SWANLAB_RUN_ID"] == "abc123"
    assert set_here["SWANLAB_LOG_DIR"] == str(tmp_path / "swanlab")
    fresh = trackers.environment(RunFolder(tmp_path), "abc123", {})
    assert fresh["WANDB_DIR"] == str(tmp_path) and fresh["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.parametrize("value", ["https://bob:s3cret@host/mlflow", "postgresql://bob:pw@host/db"])
def test_a_password_in_an_address_does_not_travel_through_ray(tmp_path: Path, value: str) -> None:
    """Whose runtime_env stands in logs and command lines; workers of this machine inherit it all the same."""
    set_here = trackers.environment(RunFolder(tmp_path), "abc123", {"MLFLOW_TRACKING_URI": value})
    assert "MLFLOW_TRACKING_URI" not in set_here and set_here["WANDB_RUN_ID"] == "abc123"


def test_verl_reads_these_variables() -> None:
    from verl.utils import tracking

    source = Path(tracking.__file__).read_text()
    for name in ("TENSORBOARD_DIR", "SWANLAB_LOG_DIR", "SWANLAB_MODE", "MLFLOW_TRACKING_URI"):
        assert name in source
    assert "trackio.init(project=project_name, name=experiment_name, config=config)" in source, "it cannot resume"


def test_wandb_offline_is_one_run_over_two_attempts(tmp_path: Path, run_python) -> None:
    """Through verl's own Tracking, without a network."""
    code = (
        "from verl.utils.tracking import Tracking\n"
        "tracking = Tracking('project', 'run', ['wandb'], dict(trainer=dict(), seed=1))\n"
        "for step in range({first}, {first} + 2): tracking.log(dict(reward=0.5), step)\n"
        "tracking.finish()\n"
    )
    variables = trackers.environment(RunFolder(tmp_path), "abc123", {}) | {
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
    }
    for first in (0, 2):
        result = run_python(code.format(first=first), **variables)
        assert result.returncode == 0, result.stderr
    attempts = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(attempts) == 2 and all(folder.name.endswith("-abc123") for folder in attempts)
    assert all(list(folder.glob("run-abc123.wandb")) for folder in attempts)
