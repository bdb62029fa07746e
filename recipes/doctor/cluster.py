"""The cluster that the training would run on: joined, or started here and ended again."""

import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common import private_ray, processes
from recipes.doctor.check import described
from recipes.doctor.finding import Finding, failure

# Seconds a node has for an answer: a cold file system takes a while to import torch, vLLM and verl.
ANSWER = 300.0


@dataclass(frozen=True)
class Node:
    """One Ray node.

    Attributes:
        identity: Ray's.
        name: for people; unlike those of the others.
        address: on which it is reached.
        gpus: that Ray places workers on.
        object_store: bytes that Ray takes of shared memory.
    """

    identity: str
    name: str
    address: str
    gpus: int = 0
    object_store: int = 0


@dataclass(frozen=True)
class Cluster:
    """A cluster this process is connected to.

    Attributes:
        config: resolved.
        nodes: the living ones.
        driver: address of this process's node.
        raw: what Ray says of its nodes.
    """

    config: DictConfig
    nodes: tuple[Node, ...]
    driver: str
    raw: tuple[dict[str, Any], ...] = ()

    def ask(self, function: Callable[..., Any], *common: Any, each: Sequence[tuple[Any, ...]] = ()) -> dict[Node, Any]:
        """Call `function` in one Ray task on every node; an exception or a missing answer comes back as one.

        Args:
            function: of a module that every node can import.
            common: its first arguments, the same everywhere.
            each: its further arguments by node, in the order of `nodes`.
        """
        import ray

        task = ray.remote(num_cpus=0, max_retries=0)(function)
        more = each or [()] * len(self.nodes)
        calls = [task.options(**pinned(node)).remote(*common, *own) for node, own in zip(self.nodes, more, strict=True)]
        ready, _ = ray.wait(calls, num_returns=len(calls), timeout=ANSWER)
        return {
            node: answer(call) if call in ready else TimeoutError(f"no answer within {ANSWER:.0f} s")
            for node, call in zip(self.nodes, calls, strict=True)
        }


def pinned(node: Node) -> dict[str, Any]:
    """Options of a Ray task that runs on this node or not at all."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node.identity, soft=False)}


def answer(call: Any) -> Any:
    """The result of a finished Ray task, or the exception it ended with."""
    import ray

    try:
        return ray.get(call)
    except ray.exceptions.RayTaskError as error:
        return error.cause or error  # what the function itself raised
    except Exception as error:  # the caller turns it into a finding that names the node
        return error


def silent(check: str, answers: dict[Node, Any]) -> list[Finding]:
    """A failure for every node that answered with an exception, or not at all."""
    cure = "Look at that node: is it alive, and is this checkout installed there at the same path?"
    return [
        failure(check, described(found), cure, node.name)
        for node, found in answers.items()
        if isinstance(found, Exception)
    ]


def nodes_of(raw: Sequence[dict[str, Any]]) -> tuple[Node, ...]:
    """The living nodes in what `ray.nodes()` returns; those that share a host name are told apart by their port."""
    alive = [facts for facts in raw if facts["Alive"]]
    count = Counter(facts["NodeManagerHostname"] for facts in alive)

    def name(facts: dict[str, Any]) -> str:
        host = str(facts["NodeManagerHostname"])
        return host if count[host] == 1 else f"{host}:{facts['NodeManagerPort']}"

    return tuple(
        Node(
            facts["NodeID"],
            name(facts),
            facts["NodeManagerAddress"],
            int(facts["Resources"].get("GPU", 0)),
            int(facts["Resources"].get("object_store_memory", 0)),
        )
        for facts in alive
    )


def ray_settings(config: DictConfig, temporary: str) -> dict[str, Any]:
    """The arguments of `ray.init` with which recipes.train would start or join a cluster.

    Args:
        config: resolved.
        temporary: folder for Ray's files, where this process starts Ray itself.
    """
    from verl.trainer.constants_ppo import get_ppo_ray_runtime_env

    config = config.copy()
    private_ray.join_or_start(config)
    given = config.ray_kwargs.ray_init
    runtime = OmegaConf.merge(get_ppo_ray_runtime_env(config), given.get("runtime_env") or {})
    settings: dict[str, Any] = OmegaConf.to_container(  # type: ignore[assignment]
        OmegaConf.create({**given, "runtime_env": runtime})
    )
    if settings.get("address") == "local":
        settings["_temp_dir"] = temporary
    return settings | {"log_to_driver": False, "logging_level": logging.ERROR}


def _init(settings: dict[str, Any]) -> None:
    """ray.init, which takes SIGTERM for itself: its handler calls sys.exit."""
    import ray

    try:
        ray.init(**settings)
    except SystemExit as error:
        raise processes.Terminated("SIGTERM") from error
    finally:
        processes.raise_on_termination()


@contextmanager
def connected(config: DictConfig) -> Iterator[Cluster]:
    """Join or start the cluster; at the end of the block nothing that was started here is left.

    Args:
        config: resolved.

    Raises:
        Exception: whatever Ray raises where there is no cluster to be had.
    """
    import ray

    processes.adopt_orphans()
    parent = private_ray.temporary_root()
    with tempfile.TemporaryDirectory(prefix="rlvr-", dir=parent, ignore_cleanup_errors=True) as temporary:
        try:
            _init(ray_settings(config, temporary))
            raw = tuple(ray.nodes())
            yield Cluster(config, nodes_of(raw), ray.util.get_node_ip_address(), raw)
        finally:
            with processes.uninterrupted():
                ray.shutdown()
                processes.end_descendants()
