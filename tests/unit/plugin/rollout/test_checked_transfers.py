"""A transfer after which vLLM holds something else than the trainer ends the run."""

from typing import Any

import pytest
from verl.checkpoint_engine.base import CheckpointEngineManager

from recipes.plugin.rollout.checked_transfers import KEY, CheckedTransfers, StaleWeightsError, stop_if_stale

SENT = {"a": 1, "b": -2}


class Workers:
    """The trainer's ranks, of which the first has noted what it sent."""

    def __init__(self, step: int | None, numbers: dict[str, int]) -> None:
        self.noted = step, numbers

    def note_what_is_sent(self) -> None:
        self.asked = True

    def sent_numbers(self) -> list[Any]:
        return [self.noted, (None, {})]


class Server:
    """A replica; its handle's methods are asked as a Ray actor's are, `.remote`."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.numbers, self.server_handle, self.held_numbers = numbers, self, self

    async def remote(self, names: list[str]) -> list[dict[str, tuple[int, list[str]]]]:
        return [{name: (number, [name] if name in names else []) for name, number in self.numbers.items()}]


def manager(workers: Workers, *servers: Server) -> CheckedTransfers:
    made = CheckpointEngineManager.__new__(CheckpointEngineManager)
    made.config, made.actor_wg, made.replicas = (
        type("Naive", (), {"backend": "naive", "custom_backend_module": None}),
        workers,
        list(servers),
    )
    return CheckedTransfers.of(made)


@pytest.fixture(autouse=True)
def without_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    """verl's own part is shown by real runs (tests/end_to_end/test_faults.py)."""

    async def nothing(self: Any, global_steps: int | None = None) -> dict[str, float]:
        return {"transferred": 1.0}

    monkeypatch.setattr(CheckpointEngineManager, "update_weights", nothing)


@pytest.mark.parametrize("step", [3, None])  # None: verl names no step where it validates
def test_equal_weights_pass_and_are_counted(step: int | None) -> None:
    transfers = manager(Workers(step, SENT), Server(SENT), Server(SENT))
    assert transfers.update_weights(step) == {"transferred": 1.0}
    assert transfers.actor_wg.asked and transfers.compared == 4 and transfers.seconds > 0


def test_another_number_on_the_second_server_ends_the_run() -> None:
    with pytest.raises(
        StaleWeightsError, match=rf"step 3 vLLM does not .* 1 of 2 parameters .*server 1, b .*{KEY}=false"
    ):
        manager(Workers(3, SENT), Server(SENT), Server(SENT | {"b": 2})).update_weights(3)


@pytest.mark.parametrize("workers", [Workers(2, SENT), Workers(None, {}), Workers(3, {})])
def test_a_transfer_that_did_not_take_place_ends_the_run(workers: Workers) -> None:
    """vLLM then holds what it was sent before, which would agree."""
    with pytest.raises(StaleWeightsError, match=r"has sent vLLM no weights in the transfer of step 3\."):
        manager(workers, Server(SENT)).update_weights(3)


def test_nothing_is_said_of_equal_weights() -> None:
    stop_if_stale(SENT, [[{"a": (1, ["a"])}]], 1)
