"""One base port decides every port of a node, and two nodes on one machine never share one."""

import pytest

from recipes.common.errors import UserError
from recipes.launch.ports import BLOCK, DEFAULT_BASE, Ports


def every_port(ports: Ports) -> set[int]:
    fixed = {**ports.of_node(), **ports.of_head()}
    first, last = fixed.pop("min-worker-port"), fixed.pop("max-worker-port")
    numbers = [*fixed.values(), *map(int, ports.environment().values())]
    assert len(set(numbers)) == len(numbers), "two services on one port"
    assert not set(numbers) & set(range(first, last + 1)), "a service among the workers' ports"
    return {*numbers, *range(first, last + 1)}


def test_a_node_stays_in_its_block() -> None:
    ports = every_port(Ports())
    assert min(ports) == DEFAULT_BASE and max(ports) < DEFAULT_BASE + BLOCK
    assert max(ports) < 32768, "Linux hands out ephemeral ports from here on"


def test_nodes_on_one_machine_share_no_port() -> None:
    blocks = [every_port(Ports(30000).on_same_machine(index)) for index in range(4)]
    assert len(set.union(*blocks)) == sum(map(len, blocks))


@pytest.mark.parametrize("base", [0, 1023, 65000])
def test_an_impossible_base_names_the_variable(base: int) -> None:
    with pytest.raises(UserError, match="RLVR_BASE_PORT"):
        Ports(base)
