"""Memory: by hand, against what autograd keeps, and in the right direction."""

from dataclasses import replace

import pytest
import torch
from planning_cases import SEVEN, planned
from transformers import AutoModelForCausalLM, Qwen2Config

from recipes.config import hardware
from recipes.inputs import architecture
from recipes.plan import advice, memory

GIB = 2**30


def terms(plan, phase):
    (found,) = [one for one in memory.phases(plan.model, plan.gpu, plan.run) if one.name == phase]
    return {term.name: (term.low / GIB, term.high / GIB) for term in found.terms}


def peaks(plan, **changes):
    return {one.name: one.high for one in memory.phases(plan.model, plan.gpu, replace(plan.run, **changes))}


def test_seven_billion_on_eight_gpus_by_hand():
    """7,615,616,512 parameters in fp32 over 8 GPUs; 24,576 tokens in bf16; 28 layers of 3,584; 152,064 words."""
    found = terms(planned(*SEVEN), "update: logits")
    shard = 7_615_616_512 * 4 / 8 / GIB
    assert shard == pytest.approx(3.546, abs=1e-3)
    assert found["parameters (FSDP shard)"] == found["gradients (FSDP shard)"] == pytest.approx((shard, shard))
    assert found["Adam moments (FSDP shard)"] == pytest.approx((2 * shard, 2 * shard))
    kept = 24_576 * 28 * 3_584 * 2 / GIB
    assert found["activations kept for the backward pass"] == pytest.approx((kept, kept))
    logits = 24_576 * 152_064 * 2 / GIB
    assert found["logits"] == pytest.approx((logits, 2 * logits))
    sync = terms(planned(*SEVEN), "weights to vLLM")
    assert sync["vLLM's weights"][0] == pytest.approx(7_615_616_512 * 2 / GIB)
    assert sync["bucket of weights"][0] == 2
    assert sync["largest parameter, gathered"][0] == pytest.approx(152_064 * 3_584 * 4 / GIB)
    assert terms(planned(*SEVEN), "generation")["vLLM: weights, KV cache, CUDA graphs"][0] == pytest.approx(79.1 * 0.85)


def test_an_adapter_has_gradients_and_moments_and_its_base_has_none():
    """Rank 64 beside all linear layers of 7B: 28 · 64 · (2(h + q) + 2(h + kv) + 3(h + i)) parameters."""
    plan = planned(*SEVEN, "lora=r64")
    adapter = 28 * 64 * (2 * (3_584 + 3_584) + 2 * (3_584 + 512) + 3 * (3_584 + 18_944))
    found = terms(plan, "update: logits")
    one = adapter * 4 / 8 / GIB
    assert found["parameters (FSDP shard)"][0] == pytest.approx(7_615_616_512 * 4 / 8 / GIB + one)
    assert found["gradients (FSDP shard)"] == pytest.approx((one, one))
    assert found["Adam moments (FSDP shard)"] == pytest.approx((2 * one, 2 * one))
    whole = planned(*SEVEN)
    assert peaks(plan)["update: optimiser step"] < peaks(whole)["update: optimiser step"] - 3 * 3.4 * GIB


def saved_bytes(config, tokens):
    """What autograd keeps between forward and backward, parameters not counted."""
    built = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    own = {parameter.untyped_storage().data_ptr() for parameter in built.parameters()}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        built.model(torch.zeros(1, tokens, dtype=torch.long), use_cache=False)
    return sum(storage.nbytes() for storage in kept.values())


def test_a_layer_keeps_what_autograd_keeps():
    """The difference between three layers and two, of a real Qwen2 in bf16: within 1 %."""
    facts = {"hidden_size": 256, "num_attention_heads": 8, "num_key_value_heads": 2, "intermediate_size": 1024}
    facts |= {"vocab_size": 512, "tie_word_embeddings": False}
    three, two = (
        saved_bytes(Qwen2Config(**facts, num_hidden_layers=layers, attn_implementation="sdpa"), 128)
        for layers in (3, 2)
    )
    one = architecture.from_config_json({**facts, "num_hidden_layers": 1, "model_type": "qwen2"}, "test")
    assert (three - two) / 128 == pytest.approx(memory.layer_activations(one, planned(*SEVEN).run), rel=0.01)


def test_more_gpus_need_less_and_more_tokens_need_more():
    plan = planned(*SEVEN)
    before, more_gpus = peaks(plan), peaks(plan, nodes=4, fsdp_size=-1)
    assert all(more_gpus[name] <= before[name] for name in before)
    assert more_gpus["update: logits"] < before["update: logits"] - 14 * GIB * 0.5
    longer = peaks(plan, update_tokens=2 * plan.run.update_tokens)
    assert all(longer[name] > before[name] for name in ("update: logits", "update: a layer's backward"))
    assert all(longer[name] == before[name] for name in ("generation", "old log-probs", "update: optimiser step"))


@pytest.mark.parametrize(
    "change, phase",
    [
        ({"param_offload": False}, "generation"),
        ({"optimizer_offload": False}, "generation"),
        ({"checkpointing": False}, "update: logits"),
        ({"entropy_in_update": True}, "update: logits"),
        ({"scaled_logits": True}, "update: logits"),
        ({"reshard": False}, "update: logits"),
        ({"sleeps": False}, "update: logits"),
        ({"entropy_chunk": 0}, "old log-probs"),
        ({"tensor_parallel": 2, "vllm_share": 0.9}, "generation"),
    ],
)
def test_a_setting_that_takes_memory_takes_it_there(change, phase):
    plan = planned(*SEVEN)
    assert peaks(plan, **change)[phase] > peaks(plan)[phase] + 0.5 * GIB


@pytest.mark.parametrize("override", ["fused_logits", "offload_policy", "activation_offload"])
def test_a_setting_that_saves_memory_saves_it(override):
    plan = planned(*SEVEN)
    assert peaks(plan, **{override: True})["update: logits"] < peaks(plan)["update: logits"] - GIB


def test_the_largest_token_limit_is_the_largest():
    plan = planned(*SEVEN)
    certain, perhaps = advice.largest_update_tokens(plan.model, plan.gpu, plan.run)
    assert plan.run.update_tokens < certain < perhaps and certain % 1024 == 0
    updates = ("update: logits", "update: a layer's backward")
    assert max(peaks(plan, update_tokens=certain)[name] for name in updates) <= plan.gpu.memory
    assert max(peaks(plan, update_tokens=certain + 1024)[name] for name in updates) > plan.gpu.memory


def test_the_kv_cache_by_hand():
    """Per token 28 layers × 2 × 4 heads × 128 × 2 bytes; two engines' halves hold more than one whole."""
    plan = planned(*SEVEN)
    assert plan.model.key_value_width * 2 == 57_344
    low, high = memory.kv_tokens(plan.model, plan.gpu, plan.run)
    room = (0.85 * 79.1 * GIB - 2 * 7_615_616_512) / 57_344
    assert 0.8 * room < low < high < room
    assert memory.kv_tokens(plan.model, plan.gpu, replace(plan.run, tensor_parallel=2))[0] > 2 * low
    assert memory.kv_tokens(plan.model, hardware.find("h200"), plan.run)[0] > 1.8 * low
