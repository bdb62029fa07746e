"""`model=auto model_path=…`: the sizes of the nearest of our models, and in the plan its own architecture."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import DictConfig

from recipes.checks import config as config_checks
from recipes.common.errors import UserError
from recipes.config import compose
from recipes.config import hardware as gpus
from recipes.config.compose import resolved
from recipes.inputs import architecture, tiny_model
from recipes.plan import advice, memory, preset_table, sizes

ACTOR, KEY = "actor_rollout_ref.actor", "reward.custom_reward_function.reward_kwargs.thinking_open"
# What the page names, on a node and where it is said to fit on one GPU: whose sizes it gets.
NEAREST = {
    ("Qwen/Qwen3-4B", "8x80gb"): "qwen3-4b",
    ("meta-llama/Llama-3.1-8B-Instruct", "2x8x80gb"): "llama-3.1-8b",
    ("meta-llama/Llama-3.2-3B-Instruct", "1x80gb"): "deepseek-r1-distill-qwen-1.5b",
    ("Qwen/Qwen3-1.7B", "1x141gb"): "qwen3-1.7b",
    ("Qwen/Qwen3-8B", "8x40gb"): "qwen3-8b",
    ("Qwen/Qwen2.5-Math-1.5B", "1x24gb"): "qwen2.5-math-1.5b",
}
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-model.md").read_text(encoding="utf-8")


def own(path: str, *words: str) -> DictConfig:
    return resolved(compose.compose(["model=auto", f"model_path={path}", *words]))


def folder(place: Path, template: str | None, **facts: object) -> Path:
    """A model's folder without weights: config.json, and a tokenizer with this chat template."""
    known = architecture.known()["deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"]
    tokenizer = tiny_model.make_tokenizer()
    tokenizer.chat_template = template
    tokenizer.save_pretrained(place)
    (place / "config.json").write_text(json.dumps({**known, **facts}))
    return place


# Models with a name, `model=qwen3-4b`: composed once each, sizes of the other presets are laid over it.


def named(preset: str, model: str) -> DictConfig:
    """Not resolved."""
    words = preset_table.overrides(preset, model, preset_table.PLAIN)
    return compose.compose((*words, "trainer.experiment_name=one"))


@pytest.fixture(scope="module")
def on_one_node() -> dict[tuple[str, str], DictConfig]:
    return preset_table.on_one_node()


@pytest.mark.parametrize("model", preset_table.other_models())
def test_a_named_model_passes_all_checks_and_fits_where_it_has_sizes(on_one_node, model: str) -> None:
    whole = resolved(named("8x80gb", model))
    config_checks.check_config(whole)
    assert whole.actor_rollout_ref.model.path in architecture.known()
    assert whole.reward.custom_reward_function.reward_kwargs.thinking_open is False, "none of their templates opens it"
    presets = [preset for named_model, preset in preset_table.one_node() if named_model == model]
    assert {"8x80gb", "8x141gb", "8x48gb", "8x40gb"} <= set(presets)
    for preset in presets:
        chosen = on_one_node[model, preset]
        run, gpu = sizes.of(chosen), gpus.find(chosen.hardware.gpu)
        assert (chosen.hardware.sizes, f"{run.nodes * run.gpus_per_node}") == (model, preset.split("x")[0])
        assert f"{preset.split('x')[1].removesuffix('gb')} GB" in gpu.name
        for entropy in (False, True):  # what methods differ in
            asked = replace(run, entropy_in_update=entropy)
            assert advice.verdict(architecture.of(chosen), gpu, asked) == advice.FITS, preset
            assert memory.peak(architecture.of(chosen), gpu, asked).high < 0.95 * gpu.memory, preset


def test_laying_sizes_over_is_what_composing_gives() -> None:
    for preset, model in (("8x40gb", "qwen3-8b"), ("1x24gb", "llama-3.2-1b")):
        assert preset_table.on_preset(named("8x80gb", model), preset, model) == resolved(named(preset, model))


def test_the_page_holds_the_table_of_named_models(on_one_node) -> None:
    table = preset_table.grid(on_one_node)
    assert "\n".join(table) in PAGE, "print it with `python -m recipes.plan.preset_table`"


def test_prompts_do_not_depend_on_the_day_and_a_context_is_not_exceeded() -> None:
    llama, qwen = (resolved(named("8x80gb", model)).data for model in ("llama-3.2-1b", "qwen2.5-math-7b"))
    assert llama.apply_chat_template_kwargs.date_string == "26 Jul 2024"
    assert qwen.max_prompt_length + qwen.max_response_length == 4096


@pytest.mark.parametrize("pair", NEAREST, ids=" ".join)
def test_known_models_pass_all_checks_and_fit(pair: tuple[str, str]) -> None:
    path, preset = pair
    config = own(path, "data=dapo_math_17k", f"hardware={preset}")
    config_checks.check_config(config)
    assert config.hardware.sizes == NEAREST[pair]
    model = architecture.of(config)
    assert model == architecture.from_config_json(architecture.known()[path], path)
    assert advice.verdict(model, gpus.find(config.hardware.gpu), sizes.of(config)) == advice.FITS
    assert f"`{path}`" in PAGE


def test_sizes_are_those_of_the_preset_whoever_includes_them() -> None:
    """The 141 GB presets stand on the 80 GB ones and refer to the number of GPUs."""
    for words in (["hardware=8x141gb"], ["hardware=8x80gb", "trainer.n_gpus_per_node=4"]):
        theirs = resolved(compose.compose(["model=deepseek-r1-distill-qwen-7b", "data=dapo_math_17k", *words]))
        mine = own("Qwen/Qwen2.5-Math-7B", "data=dapo_math_17k", *words)
        for key in ("tensor_model_parallel_size", "gpu_memory_utilization", "log_prob_max_token_len_per_gpu"):
            assert mine.actor_rollout_ref.rollout[key] == theirs.actor_rollout_ref.rollout[key]
        for key in ("ppo_max_token_len_per_gpu", "ulysses_sequence_parallel_size", "fsdp_config"):
            assert mine.actor_rollout_ref.actor[key] == theirs.actor_rollout_ref.actor[key]


def test_a_larger_one_takes_the_largest_sizes_and_the_plan_says_that_it_does_not_fit() -> None:
    config = own("Qwen/Qwen3-32B", "data=dapo_math_17k", "hardware=8x80gb")
    assert config.hardware.sizes == "deepseek-r1-distill-qwen-14b"
    found = advice.verdict(architecture.of(config), gpus.find("h100"), sizes.of(config))
    assert found != advice.FITS


@pytest.mark.parametrize(
    ("template", "opens"),
    [("{{ messages[0]['content'] }}<think>\n", True), ("{{ messages[0]['content'] }}", False), (None, False)],
)
def test_a_folder_is_read_architecture_and_thinking(tmp_path: Path, template: str | None, opens: bool) -> None:
    place = folder(tmp_path / "mine", template, num_hidden_layers=20)
    config = own(str(place), "data=dapo_math_17k", "hardware=8x80gb")
    assert config.reward.custom_reward_function.reward_kwargs.thinking_open is opens
    assert architecture.of(config).layers == 20


def test_config_json_alone_is_enough_to_plan(tmp_path: Path) -> None:
    place = folder(tmp_path / "mine", None)
    (place / "tokenizer_config.json").unlink()
    assert architecture.of(own(str(place), "data=dapo_math_17k", "hardware=8x80gb")).layers == 28


def test_it_trains_on_a_cpu_as_well(tmp_path: Path) -> None:
    config = own(str(folder(tmp_path / "mine", None)), "data=arithmetic")
    config_checks.check_config(config)
    assert config.hardware.device == "cpu" and config.actor_rollout_ref.model.path == str(tmp_path / "mine")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=Qwen/Qwen3-8B"], "Write model=auto model_path=Qwen/Qwen3-8B."),
        (["model=auto", "hardware=8x80gb"], "model_path"),
        (["model=auto", "model_path=nobody/unknown", "hardware=8x80gb"], "model.path=nobody/unknown: no config.json"),
        (["actor_rollout_ref.model.path=x/y", "hardware=8x80gb"], "write model=auto model_path=<folder or hub id>"),
    ],
)
def test_what_is_missing_is_said(words: list[str], said: str) -> None:
    with pytest.raises(UserError) as refused:
        config_checks.check_config(resolved(compose.compose(words)))
    assert said in str(refused.value)
