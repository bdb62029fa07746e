"""`sbatch scripts/slurm/train.sbatch` on a real Slurm with two nodes; `bash scripts/test.sh --slurm`."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from slurm_cluster import SlurmCluster, missing

ROOT = Path(__file__).resolve().parents[2]
MARK = "RLVR_TEST_RUN"  # inherited by every process of the job
STEPS = 12
ENDED = ("COMPLETED", "FAILED", "NODE_FAIL", "CANCELLED")
TRAINING = (
    f"trainer.total_training_steps={STEPS}",
    "trainer.nnodes=2",
    "trainer.save_freq=2",
    "trainer.test_freq=-1",
    "trainer.val_before_train=false",
    "trainer.project_name=slurm",
    "trainer.experiment_name=run",
    "data.train_batch_size=16",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.actor.optim.lr=1e-4",
    "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",
    "actor_rollout_ref.rollout.n=4",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=32",
    "actor_rollout_ref.rollout.agent.num_workers=1",
)

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(missing() is not None, reason=missing() or "")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[SlurmCluster]:
    with SlurmCluster(tmp_path / "slurm", port=27300) as running:
        yield running
    assert not left(tmp_path), "processes of the job outlived it"


def left(folder: Path) -> list[psutil.Process]:
    """Processes of this test's jobs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def submit(cluster: SlurmCluster, folder: Path, *overrides: str) -> str:
    """Returns the job's id."""
    words = ["sbatch", "--parsable", "--nodes=2", f"--output={folder}/job.log", "scripts/slurm/train.sbatch"]
    variables = {
        MARK: str(folder),
        "RLVR_PYTHON": sys.executable,
        "RLVR_JOB_FOLDER": str(folder / "launch"),
        "PYTHONPATH": str(ROOT),
    }
    given = [*TRAINING, f"output_root={folder / 'outputs'}", *overrides]
    return cluster.run(*words, *given, cwd=ROOT, **variables).strip()


def steps(folder: Path) -> list[int]:
    """What metrics.jsonl holds."""
    file = folder / "outputs" / "slurm" / "run" / "metrics.jsonl"
    return [json.loads(line)["step"] for line in file.read_text().splitlines()] if file.is_file() else []


def wait(there: Callable[[], bool], folder: Path, limit: float) -> None:
    """Poll, and show the job's log if it does not come."""
    deadline = time.monotonic() + limit
    while not there():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {limit:.0f} s:\n{(folder / 'job.log').read_text()[-3000:]}")
        time.sleep(0.5)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("how", ["requeue", "warning"])
def test_a_job_on_two_nodes_is_requeued_and_resumes(cluster: SlurmCluster, tmp_path: Path, how: str) -> None:
    """`scontrol requeue` kills and queues again; the USR1 of a pre-emption lets it save and queue itself again."""
    job = submit(cluster, tmp_path)
    wait(lambda: max(steps(tmp_path), default=0) >= 5 or cluster.state(job) in ENDED, tmp_path, 900)
    assert cluster.state(job) == "RUNNING", (tmp_path / "job.log").read_text()[-3000:]
    if how == "requeue":
        cluster.run("scontrol", "requeue", job)
    else:
        cluster.run("scancel", "--batch", "--signal=USR1", job)
    wait(lambda: "Restarts=1" in cluster.scontrol("show", "job", job), tmp_path, 300)
    wait(lambda: cluster.state(job) in ENDED, tmp_path, 1200)
    log = (tmp_path / "job.log").read_text()
    assert cluster.state(job) == "COMPLETED", log[-3000:]
    assert steps(tmp_path) == list(range(1, STEPS + 1))
    manifest = json.loads((tmp_path / "outputs" / "slurm" / "run" / "manifest.json").read_text())
    begun = [attempt["from_step"] for attempt in manifest["attempts"]]
    assert len(begun) == 2 and begun[0] == 0 and begun[1] >= (4 if how == "requeue" else 5), begun
    assert log.count("2 node(s): ") == 2, "both attempts had both nodes"
    if how == "warning":
        assert "saving a checkpoint, then ending" in log
