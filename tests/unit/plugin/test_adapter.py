"""What vLLM and the Hugging Face copy get of a LoRA training, against W + (α/r)·BA in float64."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import two_ranks
from adapters import ALPHA, RANK, SIZES, engine_with, whole
from transformers import Qwen2Config, Qwen2ForCausalLM
from verl.utils.checkpoint import fsdp_checkpoint_manager

from recipes.plugin import adapter

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture
def group(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def values(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.full_tensor().clone() for name, weight in module.state_dict().items()}


def assert_merged(merged: dict[str, torch.Tensor], parts: dict[str, torch.Tensor]) -> None:
    """Base plus adapter where there is one, else the base; under the names that transformers has."""
    assert merged.keys() == Qwen2ForCausalLM(Qwen2Config(**SIZES)).state_dict().keys()
    changed = 0
    for name, weight in merged.items():
        key, _, kind = f"base_model.model.{name}".rpartition(".")
        plain = f"{key}.{kind}" if f"{key}.{kind}" in parts else f"{key}.base_layer.{kind}"
        expected = parts[plain].double()
        if f"{key}.lora_A.default.weight" in parts and kind == "weight":
            a, b = (parts[f"{key}.lora_{part}.default.weight"].double() for part in "AB")
            expected = expected + ALPHA / RANK * b @ a
            changed += 1
            assert not torch.equal(weight, parts[plain])
        torch.testing.assert_close(weight.double(), expected, rtol=1e-6, atol=1e-6)
    assert changed == 2 * len(LINEAR)


def test_whole_weights_are_base_plus_adapter_and_the_parts_stay(group) -> None:
    engine = engine_with()
    before = values(engine.module)
    assert_merged(dict(adapter.merged_weights(engine)), before)
    after = values(engine.module)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_two_ranks_merge_their_shards(tmp_path: Path) -> None:
    """Each holds half of W, A and B."""
    two_ranks.run("adapters.py", tmp_path)
    found, parts = torch.load(tmp_path / "merged.pt"), whole().state_dict()
    assert_merged(found["merged"], parts)
    assert found["kept"].keys() == parts.keys()
    assert all(torch.equal(found["kept"][name], parts[name]) for name in parts)


def test_a_plain_model_with_them_computes_what_the_trained_one_does(group) -> None:
    engine, tokens = engine_with(["q_proj", "down_proj"]), torch.arange(20).reshape(2, 10)
    plain = Qwen2ForCausalLM(Qwen2Config(**SIZES))
    plain.load_state_dict(dict(adapter.merged_weights(engine)))
    with torch.no_grad():
        trained, loaded = engine.module(tokens).logits, plain(tokens).logits
        with engine.module.disable_adapter():
            base = engine.module(tokens).logits
    torch.testing.assert_close(loaded, trained, rtol=1e-5, atol=1e-5)
    assert (trained - base).abs().max() > 1e-2, "the adapter does nothing"


def test_an_adapter_that_verl_would_leave_out_is_an_error(group) -> None:
    with pytest.raises(RuntimeError, match=r"decoder layers only, and not .*lm_head"):
        list(adapter.merged_weights(engine_with(["q_proj", "lm_head"])))


def test_the_copy_is_written_from_them(group) -> None:
    engine, verls = engine_with(), fsdp_checkpoint_manager.get_fsdp_full_state_dict
    with adapter.merged_copy(engine):
        written = fsdp_checkpoint_manager.get_fsdp_full_state_dict(engine.module, offload_to_cpu=True, rank0_only=True)
    merged = dict(adapter.merged_weights(engine))
    assert written.keys() == merged.keys() and all(torch.equal(written[name], merged[name]) for name in merged)
    assert fsdp_checkpoint_manager.get_fsdp_full_state_dict is verls


def test_only_an_engine_with_an_adapter_has_one(group) -> None:
    assert adapter.has_adapter(engine_with())
    assert not adapter.has_adapter(SimpleNamespace(module=torch.nn.Linear(1, 1)))
