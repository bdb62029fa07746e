"""Every evaluation config composes with every model and hardware, and is what its header says."""

import pytest
from omegaconf import DictConfig
from verl.utils.config import omega_conf_to_dataclass
from weight_files import save_weights

from recipes.checks import sizes
from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config import resolvers
from recipes.config.compose import EVALUATE, compose, resolved
from recipes.evaluate import engine, evaluation, settings

SIX = ["aime24", "aime25", "amc23", "math500", "minerva", "olympiadbench"]


def composed(*overrides: str) -> DictConfig:
    return compose(overrides, EVALUATE)


@pytest.mark.parametrize("choice", sorted(file.stem for file in (config_dir() / "eval").glob("*.yaml")))
def test_every_evaluation_composes_and_verl_takes_its_rollout_section(choice):
    config = composed(f"eval={choice}", "model=tiny")
    found = settings.checked(config)
    assert found["samples"] == found["pass_at"][-1]
    rollout = engine.rollout_config(config, 11).actor_rollout_ref.rollout
    assert rollout.seed == 11
    assert rollout.max_model_len == found["max_prompt_tokens"] + found["max_response_tokens"]
    assert omega_conf_to_dataclass(rollout).load_format == "auto"
    assert not rollout.enable_chunked_prefill, "on a CPU a request's seed can't be turned back"
    assert rollout.max_num_batched_tokens >= max(4096, rollout.max_model_len), "vLLM refuses less"


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
    assert engine.rollout_config(config, 0).actor_rollout_ref.rollout.gpu_memory_utilization == 0.9


def test_a_checkpoint_needs_no_model_choice():
    config = composed("eval=paper", "hardware=8x80gb", "checkpoint=some/model")
    assert config.actor_rollout_ref.rollout.tensor_model_parallel_size == 1, "verl's default is pairs of GPUs"
    assert config.checkpoint == "some/model" and config.actor_rollout_ref.rollout.dtype == "auto"


@pytest.mark.parametrize(
    ("preset", "parallel", "heads", "cure"),
    [("1x80gb", 2, 12, "Write {key}=1"), ("8x80gb", 2, 9, "Write {key}=1"), ("8x80gb", 8, 28, "Write {key}=7")],
)
def test_engines_that_can_not_be_are_refused(preset, parallel, heads, cure):
    """verl would start none (1 GPU, pairs), and vLLM refuses heads that it can't share out."""
    key = "actor_rollout_ref.rollout.tensor_model_parallel_size"
    config = composed("eval=paper", f"hardware={preset}", "checkpoint=some/model", f"{key}={parallel}")
    with pytest.raises(UserError, match=f"{key}={parallel} does not divide .*{cure.format(key=key)}"):
        sizes.check_engines(config, {"num_attention_heads": heads})
    whole = composed("eval=paper", f"hardware={preset}", "checkpoint=some/model")
    sizes.check_engines(whole, {"num_attention_heads": heads})


def test_lengths_that_the_model_can_not_hold_are_refused():
    """The papers' 8,192 tokens with Qwen2.5-Math, whose context is 4,096."""
    config = composed("eval=paper", "hardware=8x80gb", "checkpoint=some/model")
    with pytest.raises(UserError, match=r"= 10240, .*=4096\. Write eval\.max_response_tokens=2048 or less"):
        sizes.check_engines(config, {"max_position_embeddings": 4096})
    with pytest.raises(UserError, match=r"Write eval\.max_prompt_tokens=64 eval\.max_response_tokens=192 or less"):
        sizes.check_engines(config, {"max_position_embeddings": 256})
    short = composed("eval=paper", "hardware=8x80gb", "checkpoint=some/model", "eval.max_response_tokens=16")
    with pytest.raises(UserError, match=r"Write eval\.max_prompt_tokens=240 or less"):
        sizes.check_engines(short, {"max_position_embeddings": 256})
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}
    for stretched in ({"rope_scaling": yarn}, {"rope_parameters": yarn | {"rope_theta": 1e6}}):
        sizes.check_engines(config, {"max_position_embeddings": 4096, **stretched})


def test_heads_that_vllm_can_not_compute_on_a_cpu_are_refused():
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend

    assert list(sizes.CPU_HEAD_SIZES) == CPUAttentionBackend.get_supported_head_sizes()
    architecture = {"hidden_size": 96, "num_attention_heads": 4}
    with pytest.raises(UserError, match=r"attention heads of size 24, .*one of 32, 64.*hardware="):
        sizes.check_engines(composed("eval=paper", "checkpoint=some/model"), architecture)
    sizes.check_engines(composed("eval=paper", "checkpoint=some/model"), architecture | {"head_dim": 32})
    sizes.check_engines(composed("eval=paper", "hardware=8x80gb", "checkpoint=some/model"), architecture)


def test_a_model_that_is_not_given_is_asked_for():
    with pytest.raises(UserError, match=r"^model_path: is not given\. Write model_path="):
        evaluation.evaluation_of(composed("model=auto", "eval=arithmetic"))


def test_engines_are_checked_before_ray(tmp_path):
    """SmolLM2's nine heads in a folder, split over two GPUs."""
    (tmp_path / "config.json").write_text('{"num_attention_heads": 9, "model_type": "llama"}')
    save_weights(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    words = [f"checkpoint={tmp_path}", "trainer.n_gpus_per_node=2"]
    words.append("actor_rollout_ref.rollout.tensor_model_parallel_size=2")
    with pytest.raises(UserError, match="does not divide the 9 attention heads"):
        evaluation.evaluation_of(composed(*words))


ROLLOUT = "actor_rollout_ref.rollout"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (f"{ROLLOUT}.enforce_eager=abc", "enforce_eager='abc': must be true or false"),
        (f"{ROLLOUT}.max_num_batched_tokens=8", r"max_num_batched_tokens=8 is less than .*max_num_seqs=256.*Write"),
        ("ray_kwargs.ray_init.num_cpus=abc", "num_cpus='abc': must be an integer or null"),
        ("ray_kwargs.ray_init.runtime_env.worker_process_setup_hook=no.such", "setup_hook=no.such: it does not load"),
    ],
)
def test_engines_are_held_to_what_those_of_a_training_are(
    monkeypatch: pytest.MonkeyPatch, word: str, says: str
) -> None:
    monkeypatch.setattr(resolvers, "prepare", lambda *_: pytest.fail("a model was made first"))
    with pytest.raises(UserError, match=says):
        evaluation.evaluation_of(composed("eval=arithmetic", "model=tiny", word))


def test_every_key_of_an_evaluation_has_a_rule() -> None:
    assert set(composed("eval=paper").eval) == set(settings.OF_EVAL)


def test_what_it_is_evaluated_on_is_made_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(resolvers, "prepare", lambda target, arguments: made.append(target))
    resolvers.prepare_all(resolved(composed("eval=arithmetic", "model=tiny")))
    assert sorted(made) == ["recipes.inputs.arithmetic.build", "recipes.inputs.tiny_model.build"]
