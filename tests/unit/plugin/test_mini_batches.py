"""Mini-batches that are cut out of the step's tokens are verl's, and no response is unbound for them."""

from typing import Any

import pytest
import torch
from tensordict import TensorDict

import recipes.plugin.register  # noqa: F401 (first: it chooses verl's platform)

# isort: split
from verl.utils import tensordict_utils as tu

from recipes.plugin.actor_worker import RecipeTrainingWorker, TrainingWorker
from recipes.plugin.mini_batches import cut_directly, rows

LENGTHS = (3, 1, 0, 7, 2, 5, 1, 4)


def jagged(lengths: tuple[int, ...], first: int = 0) -> torch.Tensor:
    """Rows of numbers that all differ."""
    numbers = iter(range(first, first + sum(lengths)))
    made = [torch.tensor([next(numbers) for _ in range(length)], dtype=torch.long) for length in lengths]
    return torch.nested.as_nested_tensor(made, layout=torch.jagged)


def step() -> TensorDict:
    """Every kind of field that a step has: tokens, a number or a word per response, a word for all."""
    places = torch.nested.nested_tensor_from_jagged(
        torch.arange(4 * sum(LENGTHS)).view(sum(LENGTHS), 4), offsets=torch.tensor((0, *LENGTHS)).cumsum(0)
    )
    fields = {
        "input_ids": jagged(LENGTHS),
        "responses": jagged(tuple(reversed(LENGTHS)), first=100),
        "three_dimensions": places,
        "advantages": torch.arange(len(LENGTHS)) / 2,
        "uid": [f"prompt {place}" for place in range(len(LENGTHS))],
    }
    return tu.get_tensordict(fields, {"temperature": 0.7})


def as_lists(batch: TensorDict) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(batch.keys()):
        value = tu.get(batch, name)
        if isinstance(value, torch.Tensor):
            value = [row.tolist() for row in value.unbind()]
        found[name] = value
    return found


def batches(**options: Any) -> list[TensorDict]:
    return list(tu.make_iterator(step(), mini_batch_size=2, epochs=2, seed=3, dataloader_kwargs=options))


@pytest.mark.parametrize("shuffle", [False, True])
def test_they_are_verls(shuffle: bool) -> None:
    verls = batches(shuffle=shuffle)
    with cut_directly():
        ours = batches(shuffle=shuffle)
    assert len(ours) == len(verls) == 8
    for one, other in zip(ours, verls, strict=True):
        assert as_lists(one) == as_lists(other)
        assert one.batch_size == other.batch_size
        for name in ("input_ids", "responses"):
            assert torch.equal(one[name].to_padded_tensor(-1), other[name].to_padded_tensor(-1))
            assert one[name].shape[0] == 2 and one[name].dtype == torch.long


def test_rows_may_come_in_any_order_and_twice() -> None:
    found = rows(jagged(LENGTHS), torch.tensor([5, 2, 0, 5]))
    assert [row.tolist() for row in found.unbind()] == [[13, 14, 15, 16, 17], [], [0, 1, 2], [13, 14, 15, 16, 17]]


def test_rows_with_gaps_between_them_are_rows() -> None:
    padded = torch.arange(20).view(4, 5)
    narrowed = torch.nested.narrow(padded, 1, torch.tensor([0, 1, 2, 0]), torch.tensor([2, 3, 1, 5]), torch.jagged)
    found = rows(narrowed, torch.tensor([3, 1]))
    assert [row.tolist() for row in found.unbind()] == [[15, 16, 17, 18, 19], [6, 7, 8]]


def test_the_actors_updates_are_cut_so_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of verl's function nothing is asked that it would unbind; afterwards it is back, after an error too."""
    verls, asked = tu.index_select_tensor_dict, []

    def watched(batch: TensorDict, indices: Any) -> TensorDict:
        asked.append(set(batch.keys()))
        return verls(batch, indices)

    def updates(_: Any, data: TensorDict) -> None:
        assert len(list(tu.make_iterator(data, mini_batch_size=4, epochs=1))) == 2
        raise RuntimeError("out of memory")

    monkeypatch.setattr(tu, "index_select_tensor_dict", watched)
    monkeypatch.setattr(TrainingWorker, "train_mini_batch", updates)
    worker = RecipeTrainingWorker.__new__(RecipeTrainingWorker)
    with pytest.raises(RuntimeError, match="out of memory"):
        worker.train_mini_batch(step())
    assert asked == [{"three_dimensions", "advantages", "uid", "temperature"}] * 2
    assert tu.index_select_tensor_dict is watched
