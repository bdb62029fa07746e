"""verl's update mini-batches, cut out of the step's tokens.

For each mini-batch verl unbinds every response of the step, field by field, and binds those that it wants: 64
mini-batches of 1,024 responses are half a million rows to be made, half of the update's time where the model is
small. Here the tokens of the responses that are wanted are taken at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from tensordict import TensorDict
from verl.utils import tensordict_utils as tu


def rows(tokens: Any, places: torch.Tensor) -> torch.Tensor:
    """Rows of a jagged tensor.

    Args:
        tokens: jagged, (B, *).
        places: of the rows, integers, (M,).

    Returns:
        Jagged, (M, *).
    """
    offsets, known = tokens.offsets(), tokens.lengths()  # known where there are gaps between the rows
    starts, lengths = offsets[places], (offsets.diff() if known is None else known)[places]
    ends = lengths.cumsum(0)
    shifts = (starts - ends + lengths).repeat_interleave(lengths)
    values = tokens.values()[torch.arange(len(shifts), device=shifts.device) + shifts]
    # Without the extremes torch pads to the sum of the lengths.
    extremes: dict[str, Any] = {"min_seqlen": int(lengths.min()), "max_seqlen": int(lengths.max())}
    return torch.nested.nested_tensor_from_jagged(values, torch.cat([ends.new_zeros(1), ends]), **extremes)


def _is_of_tokens(field: Any) -> bool:
    return bool(isinstance(field, torch.Tensor) and field.is_nested and field.dim() == 2)


@contextmanager
def cut_directly() -> Iterator[None]:
    """While it lasts, `verl.utils.tensordict_utils.make_iterator` takes tokens by `rows`, other fields as ever."""
    verls = tu.index_select_tensor_dict

    def selected(batch: TensorDict, indices: list[int] | list[torch.Tensor] | torch.Tensor) -> TensorDict:
        indices = torch.as_tensor(indices)
        jagged = {name: rows(field, indices) for name, field in batch.items() if _is_of_tokens(field)}
        others = verls(batch.exclude(*jagged), indices)
        return others.update(jagged)

    tu.index_select_tensor_dict = selected
    try:
        yield
    finally:
        tu.index_select_tensor_dict = verls
