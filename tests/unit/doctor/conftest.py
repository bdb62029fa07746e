"""A composed config, a cluster whose nodes answer in this process, and what real commands need."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow
import pyarrow.parquet
import pytest
from omegaconf import DictConfig
from weight_files import save_weights

from recipes.config.compose import compose
from recipes.doctor.cluster import Cluster, Node
from recipes.inputs.tiny_model import make_tokenizer

ROOT = Path(__file__).resolve().parents[3]
NODES = (Node("a", "first", "10.0.0.1", 1), Node("b", "second", "10.0.0.2", 1))


@dataclass(frozen=True)
class LocalCluster(Cluster):
    """Calls what a node would run here, unless the node has a stand-in of its own."""

    stand_ins: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def ask(self, function: Callable[..., Any], *common: Any, each: Sequence[tuple[Any, ...]] = ()) -> dict[Node, Any]:
        answers = {}
        for node, own in zip(self.nodes, each or [()] * len(self.nodes), strict=True):
            try:
                answers[node] = self.stand_ins.get(node.name, function)(*common, *own)
            except Exception as error:  # a node's error is its answer, as with Cluster.ask
                answers[node] = error
        return answers


@pytest.fixture
def config(tmp_path) -> DictConfig:
    """A resolved config of recipes.train whose runs go to the test's own folder."""
    return compose(["experiment=quickstart", f"output_root={tmp_path}"])


@pytest.fixture
def local_cluster(config: DictConfig) -> Callable[..., LocalCluster]:
    """Stand-ins by node → a cluster of two nodes."""
    return lambda **stand_ins: LocalCluster(config, NODES, "10.0.0.1", (), stand_ins)


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """Overrides that name a model and data nobody has to build."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    save_weights(model)
    make_tokenizer().save_pretrained(model)
    row = {
        "data_source": "x",
        "prompt": [{"role": "user", "content": "1+1"}],
        "reward_model": {"style": "rule", "ground_truth": "2"},
    }
    data = tmp_path / "data.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row] * 512), data)
    (tmp_path / "shared").mkdir()
    return [
        "experiment=quickstart",
        f"output_root={tmp_path / 'shared'}",
        f"actor_rollout_ref.model.path={model}",
        f"data.train_files={data}",
        f"data.val_files={data}",
    ]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of real commands; at the end, no process with this test's mark may be left."""
    mark = str(tmp_path)
    yield {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_", "RLVR_"))},
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "MARK": mark,
    }
    left = [process for process in psutil.process_iter() if _marked(process, mark)]
    for process in left:
        process.kill()
    assert not left, f"still running: {left}"


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
