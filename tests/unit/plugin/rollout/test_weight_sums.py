"""A number per tensor finds what a transfer loses, and none where vLLM joins and splits tensors."""

import json
from collections.abc import Iterator

import pytest
import torch
from vllm.model_executor.models.llama import LlamaForCausalLM
from vllm.model_executor.models.qwen2 import Qwen2ForCausalLM

from recipes.plugin.rollout import weight_sums
from recipes.plugin.rollout.weight_sums import DTYPES, MODULUS, SentNumbers, differing, number, numbers_of

HEAD, WIDTH = 4, 8  # of a key or value head, of the model
Q, K, V, NORM = (
    f"model.layers.0.{name}.weight" for name in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "norm")
)


def trainers() -> dict[str, torch.Tensor]:
    """Four query heads, two of keys and values, and a norm, as the trainer sends them."""
    generator = torch.Generator().manual_seed(0)
    rows = {Q: 4 * HEAD, K: 2 * HEAD, V: 2 * HEAD}
    tensors = {name: torch.randn(count, WIDTH, generator=generator) for name, count in rows.items()}
    return tensors | {NORM: torch.ones(WIDTH)}


class Joined(torch.nn.Module):
    """One worker of vLLM as Qwen2's is laid out: q, k and v in one parameter, of which it has its share."""

    packed_modules_mapping = Qwen2ForCausalLM.packed_modules_mapping

    def __init__(self, tensors: dict[str, torch.Tensor], dtype: torch.dtype, rank: int = 0, size: int = 1) -> None:
        super().__init__()
        copies = max(1, size // 2)  # of a head of keys and values, of which there are two
        share = [
            tensors[Q].chunk(size)[rank],
            *(tensors[name].chunk(size // copies)[rank // copies] for name in (K, V)),
        ]
        self.held = {
            "model.layers.0.self_attn.qkv_proj.weight": torch.cat(share).to(dtype),
            NORM: tensors[NORM].to(dtype),
        }

    def named_parameters(self, *_: object, **__: object) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """As of a module tree."""
        return ((name, torch.nn.Parameter(tensor)) for name, tensor in self.held.items())


def sent(tensors: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, int]:
    noted = SentNumbers(1, dtype)
    assert dict(noted.noting(tensors.items())).keys() == tensors.keys()
    return noted.as_integers()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_weights_that_have_arrived_agree_however_they_are_laid_out(size: int, dtype: torch.dtype) -> None:
    """Four workers share two heads of keys and values: each has one of them."""
    tensors = trainers()
    workers = [numbers_of(Joined(tensors, dtype, rank, size), tensors) for rank in range(size)]
    assert differing(sent(tensors, dtype), workers) == []
    assert workers[0]["model.layers.0.self_attn.qkv_proj.weight"][1] == [Q, K, V]


@pytest.mark.parametrize("name", [Q, K, V, NORM])
@pytest.mark.parametrize("size", [1, 4])
def test_one_bit_of_one_element_is_found(size: int, name: str) -> None:
    before, after = trainers(), trainers()
    bits = after[name].bfloat16().view(torch.int16)
    bits.view(-1)[-1] += 1
    after[name] = bits.view(torch.bfloat16).float()
    workers = [numbers_of(Joined(before, torch.bfloat16, rank, size), before) for rank in range(size)]
    place = NORM if name == NORM else "model.layers.0.self_attn.qkv_proj.weight"
    assert differing(sent(after, torch.bfloat16), workers) == [place]


def test_steps_up_and_down_do_not_cancel() -> None:
    """As a small update moves 16-bit weights: as many elements one unit up as down. Their sum stays."""
    old = torch.linspace(0.5, 0.9, 64).bfloat16()
    moved = old.view(torch.int16) + torch.tensor([1, -1], dtype=torch.int16).repeat(32)
    assert moved.sum() == old.view(torch.int16).sum()
    assert number(moved.view(torch.bfloat16), torch.bfloat16) != number(old, torch.bfloat16)


def test_a_parameter_that_nobody_sends_differs() -> None:
    tensors = trainers()
    held = [numbers_of(Joined(tensors, torch.float32), [Q, K, V])]
    assert differing(sent(tensors, torch.float32), held) == [NORM]


def test_chunks_do_not_change_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = torch.randn(7, 11).t()
    bits = [int(value) for value in tensor.contiguous().view(torch.int32).flatten()]
    exact = sum(value**2 for value in bits) % MODULUS
    assert int(number(tensor, torch.float32)) % MODULUS == exact
    monkeypatch.setattr(weight_sums, "CHUNK", 5)
    assert int(number(tensor, torch.float32)) % MODULUS == exact


def test_numbers_travel_as_json_does() -> None:
    """vLLM hands them from its worker through msgpack to its server, Ray from there."""
    tensors = trainers()
    held = numbers_of(Joined(tensors, torch.float32), tensors)
    assert {name: tuple(entry) for name, entry in json.loads(json.dumps(held)).items()} == held
    assert sent({}, torch.float32) == {}


def test_vllm_still_says_which_modules_it_joins() -> None:
    for model in (Qwen2ForCausalLM, LlamaForCausalLM):
        assert model.packed_modules_mapping["qkv_proj"] == ["q_proj", "k_proj", "v_proj"]
        assert model.packed_modules_mapping["gate_up_proj"] == ["gate_proj", "up_proj"]


def test_every_word_for_a_type_of_weights_is_torchs() -> None:
    from vllm.config.model import _STR_DTYPE_TO_TORCH_DTYPE as VLLMS

    assert VLLMS == DTYPES
