"""Every evaluation config composes with every model and hardware, and is what its header says."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from verl.utils.config import omega_conf_to_dataclass

from recipes.common.paths import config_dir
from recipes.config import compose as composing
from recipes.config import resolvers
from recipes.config.compose import resolved
from recipes.evaluate import engine, settings

SIX = ["aime24", "aime25", "amc23", "math500", "minerva", "olympiadbench"]


def composed(*overrides: str):
    resolvers.register()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose("evaluate", list(overrides), return_hydra_config=True)


@pytest.mark.parametrize("choice", sorted(file.stem for file in (config_dir() / "eval").glob("*.yaml")))
def test_every_evaluation_composes_and_verl_takes_its_rollout_section(choice):
    config = composed(f"eval={choice}", "model=tiny")
    found = settings.checked(config)
    assert found["samples"] == found["pass_at"][-1]
    OmegaConf.set_readonly(config.hydra, False)
    rollout = engine.rollout_config(config).actor_rollout_ref.rollout
    assert rollout.max_model_len == found["max_prompt_tokens"] + found["max_response_tokens"]
    assert omega_conf_to_dataclass(rollout).load_format == "auto"


def test_the_papers_evaluation():
    found = settings.checked(composed("eval=paper"))
    assert list(found["files"]) == SIX and found["samples"] == 32 and found["pass_at"] == [1, 2, 4, 8, 16, 32]
    assert found["verifiers"] == ["ours", "prime_math"]


def test_deepseeks_evaluation():
    found = settings.checked(composed("eval=deepseek"))
    assert (found["temperature"], found["top_p"], found["max_response_tokens"]) == (0.6, 0.95, 32768)


@pytest.mark.parametrize("model", ["1.5b", "7b", "14b"])
def test_gpus_belong_to_vllm_alone(model):
    config = composed("eval=paper", "hardware=8x80gb", f"model=deepseek-r1-distill-qwen-{model}")
    assert engine.rollout_config(config).actor_rollout_ref.rollout.gpu_memory_utilization == 0.9


def test_a_checkpoint_needs_no_model_choice():
    config = composed("eval=paper", "hardware=8x80gb", "checkpoint=some/model")
    assert config.checkpoint == "some/model" and config.actor_rollout_ref.rollout.dtype == "auto"


def test_what_it_is_evaluated_on_is_made_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(resolvers, "prepare", lambda target, arguments: made.append(target))
    resolvers.prepare_all(resolved(composing.composed(["eval=arithmetic", "model=tiny"], composing.EVALUATE)))
    assert sorted(made) == ["recipes.inputs.arithmetic.build", "recipes.inputs.tiny_model.build"]
