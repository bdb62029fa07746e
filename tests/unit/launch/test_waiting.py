"""Which nodes count, and what the message says about those that do not."""

from pathlib import Path
from typing import Any

from recipes.launch.job_folder import JobFolder, Node
from recipes.launch.waiting import missing, places, usable


def ray_node(address: str, gpus: float, alive: bool = True, port: int = 20003) -> dict[str, Any]:
    names = {"NodeManagerAddress": address, "NodeManagerPort": port, "NodeManagerHostname": f"host-{address}"}
    return {**names, "Alive": alive, "Resources": {"CPU": 1.0, **({"GPU": gpus} if gpus else {})}}


def test_only_living_nodes_with_enough_gpus_count() -> None:
    nodes = [ray_node("10.0.0.1", 8), ray_node("10.0.0.2", 4), ray_node("10.0.0.3", 8, alive=False)]
    assert list(usable(nodes, 8).values()) == ["host-10.0.0.1"]


def test_two_nodes_on_one_machine_are_two() -> None:
    assert len(usable([ray_node("10.0.0.1", 1), ray_node("10.0.0.1", 1, port=21003)], 1)) == 2


def test_a_machine_with_twice_the_gpus_has_room_for_two() -> None:
    """trainer_mode=separate_async on one machine: half of its GPUs train, half generate."""
    nodes = [ray_node("10.0.0.1", 8), ray_node("10.0.0.2", 3), ray_node("10.0.0.3", 8, alive=False)]
    assert places(nodes, 4) == 2 and places(nodes, 8) == 1 and places(nodes, 3) == 3


def test_the_message_names_each_missing_node_and_how_far_it_got(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.sign_in(Node(0, "gpu0", "10.0.0.1"))
    folder.sign_in(Node(1, "gpu1", "10.0.0.2"))
    text = missing(folder, ["gpu0", "gpu1", "gpu2"], usable([ray_node("10.0.0.1", 8)], 8))
    assert "gpu2: its launcher has not started" in text
    assert "gpu1 (10.0.0.2): its launcher runs, but its Ray has not joined" in text
    assert "gpu0" not in text
