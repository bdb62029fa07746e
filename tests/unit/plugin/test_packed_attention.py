"""The attentions that torch has itself, on packed sequences as verl hands them over, against padded attention.

verl's own engine prepares inputs and outputs; only FSDP, which changes no number, is left out.
"""

from types import SimpleNamespace

import pytest
import torch
import transformers.integrations.flex_attention as transformers_flex
from tensordict import TensorDict
from torch.nn.attention import flex_attention as torch_flex
from transformers import LlamaConfig, Qwen2Config, Qwen2ForCausalLM, masking_utils
from transformers.models.llama import LlamaForCausalLM
from verl.utils import tensordict_utils as tu
from verl.utils import torch_functional
from verl.workers.engine.fsdp.transformer_impl import FSDPEngineWithLMHead

LENGTHS = (37, 5, 140, 1, 2, 23)  # of one token too, and more than one block of flex_attention
SIZES = {
    "vocab_size": 61,
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,  # no power of two: transformers repeats keys and values
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
MODELS = {"qwen2": (Qwen2ForCausalLM, Qwen2Config), "llama": (LlamaForCausalLM, LlamaConfig)}


@pytest.fixture
def engine() -> FSDPEngineWithLMHead:
    engine = FSDPEngineWithLMHead.__new__(FSDPEngineWithLMHead)
    engine.use_ulysses_sp = engine.pad_to_length = False
    engine.engine_config = SimpleNamespace(entropy_checkpointing=False, entropy_from_logits_with_chunking=False)
    engine.compute_entropy_from_logits = torch_functional.entropy_from_logits
    return engine


@pytest.fixture
def backward_on_a_cpu(monkeypatch) -> None:
    """torch has no kernel for flex_attention's backward pass on a CPU; its definition in eager mode has one."""
    monkeypatch.setattr(torch_flex, "_validate_device", lambda *tensors: None)
    monkeypatch.setattr(torch_flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    monkeypatch.setattr(masking_utils, "_is_torch_greater_or_equal_than_2_6", False)  # no compiling of masks either
    monkeypatch.setattr(transformers_flex.WrappedFlexAttention, "__call__", lambda self: torch_flex.flex_attention)


def micro_batch(packed: bool) -> TensorDict:
    torch.manual_seed(1)
    ids = [torch.randint(0, SIZES["vocab_size"], (length,)) for length in LENGTHS]
    positions = [torch.arange(length) for length in LENGTHS]
    batch = TensorDict(
        {
            "input_ids": torch.nested.as_nested_tensor(ids, layout=torch.jagged),
            "position_ids": torch.nested.as_nested_tensor(positions, layout=torch.jagged),
        },
        batch_size=len(LENGTHS),
    )
    tu.assign_non_tensor(batch, use_remove_padding=packed, temperature=0.7, calculate_entropy=True)
    return batch


def passed(model: torch.nn.Module, engine: FSDPEngineWithLMHead, packed: bool) -> tuple[torch.Tensor, ...]:
    """Logits, log-probs and entropy of all tokens, and every gradient of a weighted sum of both."""
    model.zero_grad()
    batch = micro_batch(packed)
    inputs, arguments = engine.prepare_model_inputs(batch)
    raw = model(**inputs, use_cache=False)
    output = engine.prepare_model_outputs(raw, arguments, batch, None)
    log_probs, entropy = output["log_probs"].values(), output["entropy"].values()
    weights = torch.linspace(-1, 1, sum(LENGTHS))
    ((log_probs + 0.1 * entropy) * weights).sum().backward()
    rows = raw.logits[0] if packed else torch.cat([raw.logits[row, :length] for row, length in enumerate(LENGTHS)])
    return rows.detach(), log_probs.detach(), entropy.detach(), *(one.grad.clone() for one in model.parameters())


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("attention", ["sdpa", "flex_attention"])
@pytest.mark.parametrize("kind", MODELS)
def test_packed_attention_is_padded_attention(kind, attention, checkpointing, engine, backward_on_a_cpu) -> None:
    kind_of_model, kind_of_config = MODELS[kind]
    torch.manual_seed(0)
    model = kind_of_model(kind_of_config(**SIZES)).float().train()
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.set_attn_implementation("eager")
    padded = passed(model, engine, packed=False)
    model.set_attn_implementation(attention)
    packed = passed(model, engine, packed=True)
    for one, other in zip(packed, padded, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_a_mask_without_boundaries_would_be_seen(engine) -> None:
    """The comparison above fails if a token sees the sequence before its own."""
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(**SIZES)).float().train()
    model.set_attn_implementation("sdpa")
    inputs, _ = engine.prepare_model_inputs(micro_batch(packed=True))
    right = model(**inputs, use_cache=False).logits
    seen = inputs | {"attention_mask": torch.ones_like(inputs["input_ids"])}
    assert (model(**seen, use_cache=False).logits - right).abs().max() > 1e-3
