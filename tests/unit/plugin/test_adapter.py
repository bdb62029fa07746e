"""What vLLM and the Hugging Face copy get of a LoRA training, against W + (α/r)·BA in float64."""

from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from torch.distributed.fsdp import fully_shard
from transformers import Qwen2Config, Qwen2ForCausalLM
from verl.utils.checkpoint import fsdp_checkpoint_manager

from recipes.plugin import adapter

RANK, ALPHA = 4, 12
SIZES = {
    "vocab_size": 31,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "tie_word_embeddings": False,
}
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture(autouse=True)
def group(tmp_path):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def engine_with(modules: str | list[str] = "all-linear") -> SimpleNamespace:
    """As verl builds it: peft's model, each decoder layer and then the whole under FSDP2. B is not zero."""
    torch.manual_seed(0)
    settings = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=ALPHA, target_modules=modules)
    model = get_peft_model(Qwen2ForCausalLM(Qwen2Config(**SIZES)), settings)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    mesh = dist.init_device_mesh("cpu", (1,))
    for layer in model.base_model.model.model.layers:
        fully_shard(layer, mesh=mesh)
    return SimpleNamespace(module=fully_shard(model, mesh=mesh), is_param_offload_enabled=False)


def values(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.full_tensor().clone() for name, weight in module.state_dict().items()}


def test_whole_weights_are_base_plus_adapter_and_the_parts_stay() -> None:
    engine = engine_with()
    before = values(engine.module)
    merged = dict(adapter.merged_weights(engine))
    assert merged.keys() == Qwen2ForCausalLM(Qwen2Config(**SIZES)).state_dict().keys()
    changed = 0
    for name, weight in merged.items():
        key, _, kind = f"base_model.model.{name}".rpartition(".")
        if f"{key}.lora_A.default.weight" in before and kind == "weight":
            a, b = (before[f"{key}.lora_{part}.default.weight"].double() for part in "AB")
            expected = before[f"{key}.base_layer.weight"].double() + ALPHA / RANK * b @ a
            changed += 1
            assert not torch.equal(weight, before[f"{key}.base_layer.weight"])
        else:
            expected = before[f"{key}.{kind}" if f"{key}.{kind}" in before else f"{key}.base_layer.{kind}"].double()
        torch.testing.assert_close(weight.double(), expected, rtol=1e-6, atol=1e-6)
    assert changed == 2 * len(LINEAR)
    after = values(engine.module)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_plain_model_with_them_computes_what_the_trained_one_does() -> None:
    engine, tokens = engine_with(["q_proj", "down_proj"]), torch.arange(20).reshape(2, 10)
    plain = Qwen2ForCausalLM(Qwen2Config(**SIZES))
    plain.load_state_dict(dict(adapter.merged_weights(engine)))
    with torch.no_grad():
        trained, loaded = engine.module(tokens).logits, plain(tokens).logits
        with engine.module.disable_adapter():
            base = engine.module(tokens).logits
    torch.testing.assert_close(loaded, trained, rtol=1e-5, atol=1e-5)
    assert (trained - base).abs().max() > 1e-2, "the adapter does nothing"


def test_an_adapter_that_verl_would_leave_out_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"decoder layers only, and not .*lm_head"):
        list(adapter.merged_weights(engine_with(["q_proj", "lm_head"])))


def test_the_copy_is_written_from_them() -> None:
    engine, verls = engine_with(), fsdp_checkpoint_manager.get_fsdp_full_state_dict
    with adapter.merged_copy(engine):
        written = fsdp_checkpoint_manager.get_fsdp_full_state_dict(engine.module, offload_to_cpu=True, rank0_only=True)
    merged = dict(adapter.merged_weights(engine))
    assert written.keys() == merged.keys() and all(torch.equal(written[name], merged[name]) for name in merged)
    assert fsdp_checkpoint_manager.get_fsdp_full_state_dict is verls


def test_only_an_engine_with_an_adapter_has_one() -> None:
    assert adapter.has_adapter(engine_with())
    assert not adapter.has_adapter(SimpleNamespace(module=torch.nn.Linear(1, 1)))
