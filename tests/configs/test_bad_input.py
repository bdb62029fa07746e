"""Bad input: one message that names the key and the cure, before Ray starts, and nothing on disk."""

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import torch

from recipes.checks import config as config_checks
from recipes.checks import files, run_folder
from recipes.checks import hardware as hardware_checks
from recipes.common.errors import UserError
from recipes.config import resolvers
from recipes.config.compose import resolved
from recipes.inputs.tiny_model import make_tokenizer

ROOT = Path(__file__).resolve().parents[2]
POLICY = "actor_rollout_ref.actor.policy_loss"
REWARD = "reward.custom_reward_function.reward_kwargs"
ACTOR = "actor_rollout_ref.actor"

# The cases must not depend on how the quickstart is tuned.
SIZES = (
    "data.train_batch_size=64",
    f"{ACTOR}.ppo_mini_batch_size=16",
    f"{ACTOR}.ppo_micro_batch_size_per_gpu=64",
    "actor_rollout_ref.rollout.n=8",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=128",
)

# overrides → words that the message must hold
REFUSED_CONFIGS = {
    "dgpo_n is zero": ([f"{POLICY}.dgpo_n=0"], ["dgpo_n=0", "integer >= 1", "dgpo_n=1"]),
    "dgpo_n is not whole": ([f"{POLICY}.dgpo_n=1.5"], ["dgpo_n=1.5", "integer >= 1"]),
    "dgpo_m is negative": ([f"{POLICY}.dgpo_m=-1"], ["dgpo_m=-1", "dgpo_m=2"]),
    "maspo_alpha is negative": (
        ["policy_loss=maspo", f"{POLICY}.maspo_alpha=-0.1"],
        ["maspo_alpha=-0.1", ">= 0", "0.3"],
    ),
    "maspo_sigma_base is zero": (["policy_loss=maspo", f"{POLICY}.maspo_sigma_base=0"], ["maspo_sigma_base", "> 0"]),
    "maspo_gate misspelt": (
        ["policy_loss=maspo", f"{POLICY}.maspo_gate=twosided"],
        ["maspo_gate='twosided'", "unilateral, bilateral", "maspo_gate=unilateral"],
    ),
    "risk clamps crossed": (
        ["policy_loss=maspo", f"{POLICY}.maspo_risk_high=0.01"],
        ["maspo_risk_high", "maspo_risk_low"],
    ),
    "loss_mode of another method": ([f"{POLICY}.loss_mode=vanilla"], ["loss_mode", "dgpo"]),
    "entropy not measured": (
        ["policy_loss=entropy_adv", f"{ACTOR}.calculate_entropy=false"],
        ["calculate_entropy=False", "entropy_adv", "calculate_entropy=true"],
    ),
    "entropy split without entropy": (
        ["policy_loss=aspo", f"{POLICY}.aspo_entropy_split=true"],
        ["aspo_entropy_split", "calculate_entropy=true"],
    ),
    "kappa that turns the sign": (["policy_loss=entropy_adv", f"{POLICY}.entropy_adv_kappa=1"], ["> 1", "=2.0"]),
    "bypass mode": (
        ["algorithm.rollout_correction.bypass_mode=true"],
        ["bypass_mode=true", "dgpo", "bypass_mode=false"],
    ),
    "bypass mode without log-probs": (
        ["policy_loss=dppo_tv", "actor_rollout_ref.rollout.calculate_log_probs=false"],
        ["calculate_log_probs=true"],
    ),
    "bypass loss": ([f"{POLICY}.loss_mode=bypass_mode"], ["loss_mode", "dgpo"]),
    "bapo bounds out of order": (["policy_loss=bapo", f"{POLICY}.bapo_low_end=0.5"], ["bapo_low_end=0.5", "0.6"]),
    "bapo upper bounds out of order": (["policy_loss=bapo", f"{POLICY}.bapo_high_end=1.1"], ["bapo_high_end", "1.2"]),
    "bapo statistic": (["policy_loss=bapo", f"{POLICY}.bapo_statistic=mean"], ["literal, active"]),
    "trainer that hands over too little": (
        ["policy_loss=bapo", "trainer.v1.trainer_mode=sync"],
        ["trainer_mode=sync", "bapo", "trainer_mode=rlvr"],
    ),
    "sapo with another aggregation": (
        ["policy_loss=sapo", f"{ACTOR}.loss_agg_mode=token-mean"],
        ["loss_agg_mode", "seq-mean-token-mean"],
    ),
    "unknown estimator": (["algorithm.adv_estimator=gpro"], ["adv_estimator=gpro", "grpo"]),
    "norm by padded width": (
        ["policy_loss=dr_grpo", f"{ACTOR}.loss_scale_factor=null"],
        ["loss_scale_factor=null", "loss_scale_factor="],
    ),
    "dual clip is a word": ([f"{POLICY}.dual_clip=perhaps"], ["dual_clip", "true or false"]),
    "clip width above one": ([f"{ACTOR}.clip_ratio_low=1.2"], ["clip_ratio_low=1.2", "between 0 and 1"]),
    "clip width is text": ([f"{ACTOR}.clip_ratio_high=wide"], ["clip_ratio_high", "number"]),
    "mini-batch does not divide": (
        [f"{ACTOR}.ppo_mini_batch_size=24"],
        ["train_batch_size=64", "ppo_mini_batch_size=16"],
    ),
    "mini-batch above batch": ([f"{ACTOR}.ppo_mini_batch_size=128"], ["ppo_mini_batch_size=128", "64"]),
    "micro-batch does not divide": (
        [f"{ACTOR}.ppo_micro_batch_size_per_gpu=48"],
        ["ppo_micro_batch_size_per_gpu=48", "=32"],
    ),
    "devices don't share": (["trainer.n_gpus_per_node=3"], ["share evenly", "ppo_mini_batch_size"]),
    "no samples": (["actor_rollout_ref.rollout.n=0"], ["rollout.n=0"]),
    "no steps": (["trainer.total_training_steps=null"], ["total_training_steps"]),
    "log-prob micro-batch": (
        ["actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=100"],
        ["=64", "rollout batch"],
    ),
    "sequence longer than the token limit": (
        ["hardware=8x80gb", "model=deepseek-r1-distill-qwen-7b", "data.max_response_length=40000"],
        ["ppo_max_token_len_per_gpu", "one sequence of"],
    ),
    "tensor parallel does not divide": (
        ["actor_rollout_ref.rollout.tensor_model_parallel_size=2"],
        ["tensor_model_parallel_size=2", "devices"],
    ),
    "engine context too short": (
        ["actor_rollout_ref.rollout.max_model_len=16"],
        ["max_model_len=16", "max_prompt_length"],
    ),
    "reward function misspelt": (
        ["reward.custom_reward_function.name=nope"],
        ["reward.custom_reward_function", "nope"],
    ),
    "no reward function": (["reward.custom_reward_function.path=null"], ["pkg://reward.verl_entry"]),
    "reward option misspelt": ([f"+{REWARD}.scal=plus_minus_one"], [f"{REWARD}.scal", "scale"]),
    "reward scale misspelt": ([f"+{REWARD}.scale=pm1"], [f"{REWARD}.scale='pm1'", "plus_minus_one"]),
    "format reward below zero": ([f"+{REWARD}.format_reward=-1"], [f"{REWARD}.format_reward=-1", ">= 0"]),
    "scoring deadline of nothing": ([f"+{REWARD}.deadline=0"], [f"{REWARD}.deadline=0", "deadline=5.0"]),
    "scoring processes without memory": ([f"+{REWARD}.memory_gib=0.1"], [f"{REWARD}.memory_gib=0.1", ">= 0.5"]),
    "failure limit in percent": (
        ["trainer.v1.rlvr.scorer_failure_limit=20"],
        ["scorer_failure_limit=20", "(0, 1]", "scorer_failure_limit=0.2"],
    ),
    "overlong shaping under a manager that does none": (
        ["reward_shaping=overlong", "reward.reward_manager.name=naive"],
        ["reward.reward_manager.name=naive", "reward_shaping=overlong"],
    ),
    "overlong buffer longer than a response": (
        ["reward_shaping=overlong", "reward.reward_kwargs.overlong_buffer_cfg.len=16"],
        ["overlong_buffer_cfg.len=16", "max_response_length=16"],
    ),
    "overlong shaping of another length": (
        ["reward_shaping=overlong", "reward.reward_kwargs.max_resp_len=1024"],
        ["max_resp_len=1024", "${data.max_response_length}"],
    ),
    "on_existing misspelt": (["on_existing=contine"], ["on_existing=contine", "restart"]),
    "resume mode": (["trainer.resume_mode=disable"], ["resume_mode", "on_existing=restart"]),
    "aggregation misspelt": ([f"{ACTOR}.loss_agg_mode=tokenmean"], ["loss_agg_mode"]),
}


@pytest.mark.parametrize("case", REFUSED_CONFIGS)
def test_config_is_refused(quickly_composed, case: str) -> None:
    overrides, words = REFUSED_CONFIGS[case]
    with pytest.raises(UserError) as error:
        config_checks.check_config(resolved(quickly_composed(*SIZES, *overrides)))
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("override", "word"),
    [("policy_loss=dgop", "dgop"), (f"{POLICY}.dgpo_nn=2", "dgpo_nn"), ("model=huge", "huge"), ("hardware=gpu", "gpu")],
)
def test_unknown_choices_and_keys_do_not_compose(composed, override: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        composed(override)


def test_a_misspelt_key_that_was_forced_in_is_refused(composed) -> None:
    with pytest.raises(UserError, match="dgpo_nn"):
        config_checks.check_config(resolved(composed(f"+{POLICY}.dgpo_nn=2")))


def test_a_gpu_preset_without_gpus(composed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError, match=r"n_gpus_per_node=8.*hardware=cpu"):
        hardware_checks.check_hardware(resolved(composed("hardware=8x80gb")))


def test_the_cpu_preset_in_a_gpu_environment(composed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERL_PLATFORM", raising=False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(UserError, match=r"hardware=cpu needs the CPU environment"):
        hardware_checks.check_hardware(resolved(composed()))


@pytest.fixture
def good_data(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "good.parquet", 64)


def write_rows(path: Path, count: int, **changes: object) -> Path:
    row = {
        "data_source": "x",
        "prompt": [{"role": "user", "content": "1+1"}],
        "reward_model": {"style": "rule", "ground_truth": "2"},
    } | changes
    schema = pyarrow.Table.from_pylist([{k: v for k, v in row.items() if v is not None}])
    pyarrow.parquet.write_table(pyarrow.concat_tables([schema] * count) if count else schema.slice(0, 0), path)
    return path


def checked_files(composed, *overrides: str) -> None:
    config = resolved(composed("model=deepseek-r1-distill-qwen-1.5b", *SIZES, *overrides))
    for check in (files.check_model, files.check_data, files.check_disk_space):
        check(config)


MODEL = "actor_rollout_ref.model.path"


@pytest.fixture
def good_model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, text in (("config.json", "{}"), ("model.safetensors", "x" * 1000)):
        (folder / name).write_text(text)
    save_tokenizer(folder, opens_thinking=True)  # as DeepSeek-R1-Distill's
    return folder


def save_tokenizer(folder: Path, opens_thinking: bool, special: str | None = None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template += "{{ '<think>\n' }}" if opens_thinking else ""
    if special:
        tokenizer.add_special_tokens({"additional_special_tokens": [special]})
    tokenizer.save_pretrained(folder)


def test_good_files_are_accepted(composed, good_model: Path, good_data: Path) -> None:
    checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")


def test_a_model_folder_that_is_not_there(composed, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"{MODEL}=.*no such folder.*model=tiny"):
        checked_files(composed, f"{MODEL}={tmp_path / 'nothing'}")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_incomplete_model_folder(composed, good_model: Path, missing: str) -> None:
    (good_model / missing).unlink()
    with pytest.raises(UserError, match=MODEL):
        checked_files(composed, f"{MODEL}={good_model}")


def test_an_unreadable_model_config(composed, good_model: Path) -> None:
    (good_model / "config.json").write_text("{ half")
    with pytest.raises(UserError, match=r"config\.json"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_a_hub_id_that_cannot_be_reached(composed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"not in the local Hugging Face cache.*/path/to"):
        checked_files(composed, f"{MODEL}=nobody/no-such-model")


def test_thinking_that_the_scorer_does_not_know_of(composed, good_model: Path, good_data: Path) -> None:
    """Otherwise a box in thoughts that were cut off is paid, or no response ever is."""
    files = (f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")
    with pytest.raises(UserError, match=r"thinking_open=false.*ends the prompt with <think>.*thinking_open=true"):
        checked_files(composed, *files, f"{REWARD}.thinking_open=false")
    save_tokenizer(good_model, opens_thinking=False)
    with pytest.raises(UserError, match=r"thinking_open=true.*does not end.*thinking_open=false"):
        checked_files(composed, *files)
    checked_files(composed, *files, f"{REWARD}.thinking_open=false")


def test_an_end_of_thinking_that_decoding_drops(composed, good_model: Path, good_data: Path) -> None:
    save_tokenizer(good_model, opens_thinking=True, special="</think>")
    with pytest.raises(UserError, match=r"special token.*tokenizer_config\.json"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")


def test_a_tokenizer_that_does_not_load(composed, good_model: Path) -> None:
    (good_model / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"tokenizer does not load.*tokenizer_path"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_a_data_file_that_is_not_there(composed, good_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.train_files=.*no such file"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={tmp_path / 'no.parquet'}")


def test_a_data_file_that_is_not_parquet(composed, good_model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_text("not parquet")
    with pytest.raises(UserError, match=r"data\.train_files=.*not a readable parquet"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={tmp_path / 'bad.parquet'}")


@pytest.mark.parametrize("column", ["data_source", "prompt", "reward_model"])
def test_a_missing_column_is_named(composed, good_model: Path, tmp_path: Path, column: str) -> None:
    bad = write_rows(tmp_path / "bad.parquet", 64, **{column: None})
    with pytest.raises(UserError, match=rf"column {column} missing"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={bad}")


def test_a_gold_without_ground_truth(composed, good_model: Path, tmp_path: Path) -> None:
    bad = write_rows(tmp_path / "bad.parquet", 64, reward_model={"style": "rule"})
    with pytest.raises(UserError, match="ground_truth"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={bad}")


@pytest.mark.parametrize(("rows", "word"), [(0, "no rows"), (63, "fewer than data.train_batch_size=64")])
def test_too_little_data(composed, good_model: Path, good_data: Path, tmp_path: Path, rows: int, word: str) -> None:
    few = write_rows(tmp_path / "few.parquet", rows)
    with pytest.raises(UserError, match=word):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={few}", f"data.val_files={good_data}")


def test_no_room_for_checkpoints(composed, good_model: Path, good_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 1000, 1000))
    files = (f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")
    with pytest.raises(UserError, match=r"Checkpoints need.*output_root"):
        checked_files(composed, *files)
    checked_files(composed, *files, "trainer.save_freq=-1")


def test_more_tokens_than_the_model_has_positions(composed, good_model: Path, good_data: Path) -> None:
    (good_model / "config.json").write_text('{"max_position_embeddings": 32}')
    with pytest.raises(UserError, match="max_position_embeddings=32"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")


def test_nothing_is_built_that_is_not_used(composed, good_model: Path, good_data: Path, monkeypatch) -> None:
    monkeypatch.setattr(resolvers, "prepare", lambda *_: pytest.fail("built although the paths are given"))
    files = (f"data.train_files={good_data}", f"data.val_files={good_data}")
    resolvers.prepare_all(resolved(composed(f"{MODEL}={good_model}", *files)))


def test_a_run_folder_that_cannot_be_made(composed, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="output_root"):
        run_folder.check_writable(resolved(composed(f"output_root={tmp_path / 'file' / 'x'}")))


def test_an_unknown_builder_argument(composed) -> None:
    with pytest.raises(UserError, match=r"prepare\.model.*bogus"):
        resolvers.prepare_all(resolved(composed("+prepare.model.bogus=1")))


@pytest.mark.parametrize(
    ("overrides", "code", "words"),
    [
        ([f"{POLICY}.dgpo_n=0"], 2, ["dgpo_n=0", "Write"]),
        (["policy_loss=dgop"], 2, ["dgop", "maspo"]),
    ],
)
def test_the_command_ends_with_one_message_and_leaves_nothing(
    tmp_path: Path, overrides: list[str], code: int, words: list[str]
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "recipes.train", f"output_root={tmp_path / 'outputs'}", *overrides],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == code
    assert all(word in result.stderr for word in words), result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "outputs").exists()
