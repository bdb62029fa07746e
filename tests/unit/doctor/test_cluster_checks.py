"""Count, shared folder, clock and all-reduce, each with a cluster that is ill in one way."""

from collections.abc import Callable
from pathlib import Path

import pytest
import ray

from recipes.common import processes
from recipes.doctor import clock, cluster, collective, nodes, shared_folder
from recipes.doctor.clock import Sample
from recipes.doctor.cluster import Cluster, Node, nodes_of, ray_settings
from recipes.doctor.collective import Sum
from recipes.doctor.finding import Status


def raw(host: str, port: int, gpus: int, alive: bool = True) -> dict[str, object]:
    """What ray.nodes() says of one."""
    return {
        "NodeID": f"{host}{port}",
        "Alive": alive,
        "NodeManagerHostname": host,
        "NodeManagerAddress": "10.0.0.1",
        "NodeManagerPort": port,
        "Resources": {"GPU": float(gpus), "object_store_memory": 5.0} if gpus else {},
    }


def test_nodes_that_share_a_host_are_told_apart_and_dead_ones_left_out() -> None:
    found = nodes_of([raw("a", 1, 8), raw("b", 1, 0), raw("b", 2, 4), raw("c", 1, 8, alive=False)])
    assert [(node.name, node.gpus, node.object_store) for node in found] == [("a", 8, 5), ("b:1", 0, 0), ("b:2", 4, 5)]


@pytest.mark.parametrize(
    ("gpus", "status"), [((8, 8), Status.OK), ((16,), Status.OK), ((8, 4), Status.FAILURE), ((8,), Status.FAILURE)]
)
def test_the_number_of_nodes(config, gpus: tuple[int, ...], status: Status) -> None:
    config.trainer.nnodes, config.trainer.n_gpus_per_node = 2, 8
    facts = tuple(raw(f"gpu{index}", index, count) for index, count in enumerate(gpus))
    (only,) = nodes.enough(Cluster(config, nodes_of(facts), "10.0.0.1", facts))
    assert only.status is status
    assert ("gpu1 has 4" in only.what) == (gpus == (8, 4))


def left_behind(folder: Path) -> list[Path]:
    return list(folder.glob(".doctor-*"))


def statuses(findings) -> dict[str, Status]:
    return {one.where: one.status for one in findings}


def test_a_folder_that_all_share(local_cluster: Callable, tmp_path: Path) -> None:
    found = shared_folder.check(local_cluster(), patience=0)
    assert statuses(found) == {"first": Status.OK, "second": Status.OK}
    assert not left_behind(tmp_path)


def test_a_node_that_does_not_see_the_folder_is_named(local_cluster: Callable, tmp_path: Path) -> None:
    def elsewhere(folder: Path, *words: object) -> None:
        shared_folder.exchange(Path("/nowhere") / folder.name, *words)  # type: ignore[arg-type]

    found = shared_folder.check(local_cluster(second=elsewhere), patience=0)
    assert statuses(found) == {"first": Status.OK, "second": Status.FAILURE}
    assert "FileNotFoundError" in found[1].what and not left_behind(tmp_path)


def test_a_node_that_sees_another_file_is_named(local_cluster: Callable) -> None:
    def other(folder: Path, word: str, *more: object) -> None:
        shared_folder.exchange(folder, "another word", *more)  # type: ignore[arg-type]

    found = shared_folder.check(local_cluster(first=other), patience=0)
    assert statuses(found) == {"first": Status.FAILURE, "second": Status.OK}


@pytest.mark.parametrize("content", [None, "stale"])
def test_a_node_whose_writing_does_not_arrive_is_named(local_cluster: Callable, content: str | None) -> None:
    def write(folder: Path, word: str, patience: float, name: str) -> None:
        if content:
            (folder / name).write_text(content)

    found = shared_folder.check(local_cluster(second=write), patience=0)
    assert statuses(found) == {"first": Status.OK, "second": Status.FAILURE}
    assert "does not reach the driver" in found[1].what


def samples(ahead: float, *durations: float) -> list[Sample]:
    return [Sample(100.0, 100.0 + duration / 2 + ahead, 100.0 + duration) for duration in durations]


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (0.0, Status.OK),
        (0.9, Status.OK),
        (1.2, Status.WARNING),
        (-1.2, Status.WARNING),
        (29.0, Status.WARNING),
        (31.0, Status.FAILURE),
        (-3600.0, Status.FAILURE),
    ],
)
def test_clock_skew(ahead: float, status: Status) -> None:
    found = clock.judge(samples(ahead, 0.01, 0.02), "gpu7")
    assert found.status is status and found.where == "gpu7"


def test_a_slow_call_is_no_skew_and_the_quickest_call_counts() -> None:
    late = Sample(100.0, 109.9, 110.0)  # the node answered at the end of a call of ten seconds
    assert clock.offset([late])[0] == pytest.approx(4.9) and clock.judge([late], "x").status is Status.OK
    assert clock.offset([late, *samples(2.0, 0.1)]) == pytest.approx((2.0, 0.05))
    assert clock.judge([late, *samples(2.0, 0.1)], "x").status is Status.WARNING


A, B = Node("a", "first", "10.0.0.1", 2), Node("b", "second", "10.0.0.2", 2)


def test_the_sum_is_that_of_the_closed_form() -> None:
    right = Sum(10.0, 10.0, 0.002)
    (only,) = collective.judge([(A, right), (A, right), (B, right), (B, right)], "nccl")
    assert only.status is Status.OK and "4 process(es) on 2 node(s) agree on 10" in only.what and "2.0 ms" in only.what


@pytest.mark.parametrize("wrong", [Sum(3.0, 3.0, 0.1), Sum(6.0, 10.0, 0.1), RuntimeError("NCCL error: no route")])
def test_a_wrong_sum_or_an_error_names_the_node(wrong: object) -> None:
    right = Sum(10.0, 10.0, 0.002)
    (only,) = collective.judge([(A, right), (A, right), (B, right), (B, wrong)], "nccl")
    assert (only.status, only.where) == (Status.FAILURE, "second") and "process 3" in only.what
    assert "NCCL_SOCKET_IFNAME" in only.cure


def test_a_cluster_without_gpus_is_a_failure(config) -> None:
    (only,) = collective.check(Cluster(config, (Node("a", "first", "10.0.0.1"),), "10.0.0.1"))
    assert only.status is Status.FAILURE


def test_ray_is_started_as_the_training_would(config, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RLVR_JOIN_CLUSTER", raising=False)
    own = ray_settings(config, str(tmp_path))
    assert (own["address"], own["num_cpus"], own["num_gpus"]) == ("local", 32, 1)
    assert own["_temp_dir"] == str(tmp_path) and own["runtime_env"]["env_vars"]["VERL_PLATFORM"] == "cpu"
    monkeypatch.setenv("RLVR_JOIN_CLUSTER", "1")
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:20000")
    joined = ray_settings(config, str(tmp_path))
    assert joined["address"] is None and joined["num_gpus"] is None and "_temp_dir" not in joined
    assert config.ray_kwargs.ray_init.address == "local", "the training's own config is left as it is"


def test_a_signal_while_ray_starts_is_an_end_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**settings: object) -> None:
        raise SystemExit(15)  # what the handler that ray.init installs does

    monkeypatch.setattr(ray, "init", interrupted)
    monkeypatch.setattr(processes, "raise_on_termination", lambda: None)
    with pytest.raises(processes.Terminated):
        cluster._init({})


def test_many_gpus_have_time_for_their_first_connection() -> None:
    assert collective.TALK >= 120
