"""Parameters and operations are those of the real models, and verl's."""

import json

import pytest
import torch
from omegaconf import OmegaConf
from peft import LoraConfig, get_peft_model
from planning_cases import model
from transformers import AutoConfig, AutoModelForCausalLM
from verl.utils.flops_counter import FlopsCounter

from recipes.common.errors import UserError
from recipes.inputs import architecture, tiny_model

NAMES = list(architecture.known())


def hugging_face(name):
    return AutoConfig.for_model(**architecture.known()[name])


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_the_model_itself(name):
    with torch.device("meta"):
        built = AutoModelForCausalLM.from_config(hugging_face(name))
    assert model(name).parameters == sum(parameter.numel() for parameter in built.parameters())
    layer = built.model.layers[0]
    assert model(name).layer_parameters == sum(parameter.numel() for parameter in layer.parameters())
    matrices = [module for module in built.modules() if isinstance(module, torch.nn.Linear)]
    assert model(name).matrices == sum(matrix.weight.numel() for matrix in matrices)


@pytest.mark.parametrize("name", [NAMES[0], "tiny"])
def test_an_adapter_has_the_parameters_that_peft_gives_it(name):
    with torch.device("meta"):
        built = get_peft_model(
            AutoModelForCausalLM.from_config(hugging_face(name)), LoraConfig(r=16, target_modules="all-linear")
        )
    assert model(name).adapter(16) == built.get_nb_trainable_parameters()[0]
    assert model(name).adapter(0) == 0


@pytest.mark.parametrize("name, billions", [("1.5B", 1.777), ("7B", 7.616), ("14B", 14.770)])
def test_sizes_as_published(name, billions):
    assert model(f"deepseek-ai/DeepSeek-R1-Distill-Qwen-{name}").parameters / 1e9 == pytest.approx(billions, abs=5e-4)


def test_the_tiny_model_is_the_one_that_is_built():
    built = tiny_model.make_model(tiny_model.make_tokenizer())
    assert model("tiny").parameters == sum(parameter.numel() for parameter in built.parameters())
    assert model("tiny") == architecture.from_config_json(built.config.to_dict(), "built")


@pytest.mark.parametrize("name", NAMES)
def test_operations_are_verls_without_its_embedding(name):
    """verl multiplies the embedding as if it were a matrix; a lookup costs nothing. All else is equal."""
    lengths = [100, 2000, 9000]
    config = hugging_face(name)
    config.architectures = None
    estimated, _ = FlopsCounter(config).estimate_flops(lengths, 1.0)
    one = model(name)
    forward = one.forward_flops(sum(lengths), sum(length**2 for length in lengths))
    embedding = 6 * one.embedding * sum(lengths)
    assert 3 * forward + embedding == pytest.approx(estimated * 1e12, rel=1e-9)
    if name.endswith("-7B"):
        assert 3 * forward == pytest.approx(estimated * 1e12, rel=0.08)


def config_of(path, **more):
    return OmegaConf.create({"actor_rollout_ref": {"model": {"path": str(path)}}, **more})


def test_a_local_config_json_is_read(tmp_path):
    facts = {**architecture.known()["deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"], "num_hidden_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(facts))
    assert architecture.of(config_of(tmp_path)).layers == 2


def test_what_can_not_be_planned_says_what_to_write(tmp_path):
    with pytest.raises(UserError, match=r"model\.path=org/unknown: no config\.json there.*Write the path"):
        architecture.of(config_of("org/unknown"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mixtral"}))
    with pytest.raises(UserError, match="model_type=mixtral can't be planned"):
        architecture.of(config_of(tmp_path))
    for content in (b"", b"[]", b"\xff{}", b"[" * 100_000):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(UserError, match=r"config\.json is damaged"):
            architecture.of(config_of(tmp_path))
