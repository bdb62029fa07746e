"""SmolLM2's warm start: it boxes its sums, some of which it was never shown are right, and most are left to learn."""

import importlib.util
import json
from pathlib import Path

import pytest

from recipes.inputs import smollm2, smollm2_addition


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLVR_CACHE", str(tmp_path / "cache"))
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "gguf" else found(name, *of))
    with pytest.raises(ModuleNotFoundError, match=r'pip install "rlvr-recipes\[smollm2\]"'):
        smollm2_addition.build(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_warm_start_teaches_the_form(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from recipes.inputs import arithmetic, tiny_model

    try:
        smollm2.gguf_file()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    smollm2_addition.build(tmp_path / "model")
    record = json.loads((tmp_path / "model" / "build.json").read_text())
    assert 0.25 <= record["expected_accuracy_on_problems_kept_aside"] < 0.5
    assert 0.1 < record["expected_accuracy_on_held_out_problems"] < 0.6
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert model.dtype == torch.float32
    problem = arithmetic.problems(0)[1][0]
    inputs = tokenizer(tiny_model.prompt(tokenizer, problem), add_special_tokens=False, return_tensors="pt")
    said = model.generate(**inputs, do_sample=False, max_new_tokens=16)[0, inputs["input_ids"].shape[1] :]
    assert tokenizer.decode(said).startswith(r"\boxed{")
