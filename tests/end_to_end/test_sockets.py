"""Every socket of a run on one machine listens on loopback; on several nodes it listens on their network.

There Ray's own are the exception, which ask for the job's token: one of every process that Ray starts or that
asks it for something, two of a raylet.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from listening import LOOPBACK, Watch

from recipes.launch.address import node_address

MARK = "RLVR_TEST_RUN"
SHORT = ("trainer.save_freq=-1", "trainer.test_freq=-1", "trainer.val_before_train=false")
SHORT += ("trainer.total_training_steps=1",)
ASYNC = ("trainer_mode=separate_async", "actor_rollout_ref.rollout.nnodes=1")
EVALUATION = ("model=tiny", "eval=arithmetic", "eval.samples=2", "eval.max_problems=8")
RAYS_OWN = {"raylet": 2}  # gRPC for the nodes, and for objects

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


@pytest.mark.slow  # the other trainer mode: test_training.py
def test_a_training_with_servers_of_its_own_on_one_machine(launcher) -> None:
    with Watch(MARK, str(launcher.output)) as watch:
        result = launcher.train(*SHORT, *ASYNC)
    assert result.returncode == 0, result.stdout + result.stderr
    assert any("TransferQueue" in one.program for one in watch.found) and len(watch.found) > 10, watch.programs()
    assert not watch.reachable(), watch.programs()


@pytest.mark.slow
def test_an_evaluation_on_one_machine(launcher) -> None:
    command = [sys.executable, "-m", "recipes.evaluate", *EVALUATION, f"output_root={launcher.output}"]
    with Watch(MARK, str(launcher.output)) as watch:
        result = launcher.run(command)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(watch.found) > 5, watch.programs()
    assert not watch.reachable(), watch.programs()


@pytest.mark.slow
def test_two_nodes(launcher, fast_sizes: tuple[str, ...], tmp_path: Path) -> None:
    """Both on this machine; see recipes.launch."""
    job = ["--job-folder", str(tmp_path / "job")]
    launch = [sys.executable, "-m", "recipes.launch"]
    overrides = [f"output_root={launcher.output}", *fast_sizes, *SHORT, "trainer.nnodes=2"]
    with (
        Watch(MARK, str(launcher.output)) as watch,
        (tmp_path / "worker.txt").open("w") as out,
        subprocess.Popen([*launch, "worker", "--rank", "1", *job], env=launcher.environment, stdout=out, stderr=out),
    ):
        result = launcher.run([*launch, "head", *job, *overrides])
    assert result.returncode == 0, result.stdout + result.stderr
    inside = LOOPBACK | {node_address(None)}
    outside = [one for one in watch.found if one.address not in inside]
    assert not [one for one in outside if one.address not in ("::", "0.0.0.0")], watch.programs()
    for pid, count in Counter(one.pid for one in outside).items():
        (program, *_) = (one.program for one in outside if one.pid == pid)
        assert ("ray" in program or "recipes." in program) and count <= RAYS_OWN.get(
            Path(program.split()[0]).name, 1
        ), watch.programs()
