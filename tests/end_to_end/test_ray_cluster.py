"""`bash scripts/ray/submit.sh` to a Ray cluster of two nodes that somebody else has started."""

import subprocess

import pytest

from benchmarks.measure.ray_cluster import RayCluster

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1500)]


def test_two_nodes_train_together_and_keep_running(launcher, fast_sizes, tmp_path) -> None:
    with RayCluster(tmp_path / "cluster", nodes=2) as cluster:
        overrides = [
            *fast_sizes,
            f"output_root={launcher.output}",
            "trainer.nnodes=2",
            "trainer.val_before_train=false",
        ]
        command = ["bash", "scripts/ray/submit.sh", *overrides]
        result = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=1200)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
        assert launcher.steps() == [1, 2, 3]
        shards = sorted(path.name for path in launcher.output.rglob("model_world_size_2_rank_*.pt"))
        assert shards == ["model_world_size_2_rank_0.pt", "model_world_size_2_rank_1.pt"]

        # The cluster is not ours: a second job finds it as the first did, and says that all is done.
        again = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=600)
        assert again.returncode == 0 and "complete" in again.stdout, again.stdout[-2000:]
