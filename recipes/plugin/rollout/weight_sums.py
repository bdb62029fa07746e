"""Does vLLM hold the trainer's weights? A number per tensor on both sides, and the rule by which they must agree.

A tensor's number is Σ x² mod 2⁶⁴ over its elements, x the bits of an element as an integer, in the type that vLLM
keeps. It is exact: one bit of one element changes it. How elements are grouped does not, so it adds up where vLLM joins
tensors (q, k and v become one) and where it splits them over the GPUs of a server. A sum of x alone would often miss an
update: with 16 bits a small step moves elements by one unit up or down, and those cancel.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

MODULUS = 2**64
CHUNK = 2**24  # elements: 128 MiB of 64-bit integers at a time
BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes of an element
# vLLM's words for what a tensor is kept in; `auto` is decided by vLLM and therefore not among them.
DTYPES = {
    "half": torch.float16,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float": torch.float32,
    "float32": torch.float32,
}

# By parameter of vLLM: its number, and the names of the trainer's tensors that belong into it.
Held = Mapping[str, tuple[int, Sequence[str]]]


@torch.no_grad()
def number(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Σ x² over the bits of a tensor, as a scalar int64 on its device (two's complement of the value mod 2⁶⁴).

    Args:
        tensor: of any shape.
        dtype: floating point; what the tensor is rounded to first.
    """
    total = torch.zeros((), dtype=torch.int64, device=tensor.device)
    for chunk in tensor.detach().reshape(-1).split(CHUNK):
        bits = chunk.to(dtype).view(BITS[dtype.itemsize]).to(torch.int64)
        total += (bits * bits).sum()
    return total


class SentNumbers:
    """Numbers of the tensors that the trainer hands over in one transfer.

    Args:
        step: of the transfer, as verl counts it; None before there is one.
        dtype: of vLLM's weights.
    """

    def __init__(self, step: int | None, dtype: torch.dtype) -> None:
        self.step = step
        self._dtype = dtype
        self._numbers: dict[str, torch.Tensor] = {}

    def noting(self, weights: Iterable[tuple[str, torch.Tensor]]) -> Iterator[tuple[str, torch.Tensor]]:
        """The same pairs, each noted as it passes by."""
        for name, tensor in weights:
            self._numbers[name] = number(tensor, self._dtype)
            yield name, tensor

    def as_integers(self) -> dict[str, int]:
        """By name, as Python integers; waits for the device once."""
        if not self._numbers:
            return {}
        values = torch.stack(list(self._numbers.values())).tolist()
        return dict(zip(self._numbers, values, strict=True))


def numbers_of(model: torch.nn.Module, names: Iterable[str]) -> dict[str, tuple[int, list[str]]]:
    """What a model of vLLM holds on this GPU.

    Args:
        model: tells by `packed_modules_mapping` which modules it joins, and by `hf_to_vllm_mapper` what it renames.
        names: of the trainer's tensors.

    Returns:
        By parameter: its number, and those of `names` that belong into it.
    """
    packed = getattr(model, "packed_modules_mapping", None) or {}
    joined = {part: whole for whole, parts in packed.items() for part in parts}
    mapper: Any = getattr(model, "hf_to_vllm_mapper", None)
    sources: dict[str, list[str]] = {}
    for name in names:
        for known in mapper.apply_list([name]) if mapper else [name]:
            place = ".".join(joined.get(word, word) for word in known.split("."))
            sources.setdefault(place, []).append(name)
    held = {name: number(parameter, parameter.dtype) for name, parameter in model.named_parameters()}
    values = torch.stack(list(held.values())).tolist()
    return {name: (value, sources.get(name, [])) for name, value in zip(held, values, strict=True)}


def differing(sent: Mapping[str, int], workers: Sequence[Held]) -> list[str]:
    """The parameters of one vLLM server that are not what the trainer has sent.

    A tensor is split over the workers, or each has all of it, or several have the same part (keys and values where
    there are more workers than heads): together they have it c times, with a c that divides their number.

    Args:
        sent: numbers of the trainer's tensors.
        workers: of each worker of the server what it holds.
    """
    copies = [count for count in range(1, len(workers) + 1) if len(workers) % count == 0]
    wrong = []
    for name, (_, sources) in workers[0].items():
        total = sum(worker[name][0] for worker in workers) % MODULUS
        possible = (
            sum(count * sent[source] for count, source in zip(counts, sources, strict=True)) % MODULUS
            for counts in itertools.product(copies, repeat=len(sources))
        )
        if not sources or total not in possible:
            wrong.append(name)
    return wrong
