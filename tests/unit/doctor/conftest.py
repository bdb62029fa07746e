"""A composed config, and a cluster whose nodes answer in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from omegaconf import DictConfig

from recipes.composing import composed
from recipes.doctoring.cluster import Cluster, Node

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
            except Exception as error:
                answers[node] = error
        return answers


@pytest.fixture
def config(tmp_path) -> DictConfig:
    """A resolved config of recipes.train whose runs go to the test's own folder."""
    return composed(["experiment=quickstart", f"output_root={tmp_path}"])


@pytest.fixture
def local_cluster(config: DictConfig) -> Callable[..., LocalCluster]:
    """Stand-ins by node → a cluster of two nodes."""
    return lambda **stand_ins: LocalCluster(config, NODES, "10.0.0.1", (), stand_ins)
