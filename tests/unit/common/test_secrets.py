"""No secret from the environment or the command line is left in what a run writes."""

import json
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from recipes.common.secrets import is_secret_name, redact_file, redacted, redacted_text
from recipes.runs import manifest as manifest_module
from recipes.runs.manifest import Manifest
from recipes.runs.run_folder import RunFolder

SECRETS = {
    "HF_TOKEN": "hf_AbCdEfGhIjKl",
    "WANDB_API_KEY": "0123456789abcdef",
    "MY_SERVICE_SECRET": "s3cr3t-value",
    "DB_PASSWORD": "pass word+1",
    "RAY_AUTH_TOKEN": "deadbeefdeadbeef",
}
INNOCENT = ["tokenizer", "max_tokens", "pad_token", "eos_token", "prompt_key", "reward_fn_key", "num_key_value_heads"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", [*SECRETS, "+trainer.wandb_token", "trainer.api_key", "hub.access_token", "token"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", INNOCENT)
def test_names_of_the_trade_are_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("value", SECRETS.values())
@pytest.mark.usefixtures("environment")
def test_a_value_is_found_wherever_it_stands(value: str) -> None:
    text = f"POST https://user:{value}@host/api?x={value}&y=1"
    assert value not in redacted_text(text) and "https://user:***@host" in redacted_text(text)


@pytest.mark.parametrize("text", ["+trainer.wandb_token=abc", "{'api_key': 'abc'}", "password: abc", 'HF_TOKEN="abc"'])
def test_a_name_is_enough(text: str) -> None:
    assert "abc" not in redacted_text(text, {}) and "***" in redacted_text(text, {})


@pytest.mark.parametrize(
    "text", ["pad_token=abc", "reward_fn_key: data_source", "api_key: null", "loss_agg_mode=token"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted_text(text, {}) == text


def test_a_config_keeps_everything_else() -> None:
    config = {"a": [1, None, True, 0.5], "env_vars": {"HF_TOKEN": "x", "VERL_PLATFORM": "cpu"}, "prompt_key": "prompt"}
    expected = {**config, "env_vars": {"HF_TOKEN": "***", "VERL_PLATFORM": "cpu"}}
    assert redacted(config, {}) == expected


@pytest.mark.usefixtures("environment")
def test_manifest_config_and_log_hold_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train", f"+trainer.hf={SECRETS['HF_TOKEN']}", "+trainer.wandb_token=abcdefgh"])
    monkeypatch.setattr(manifest_module, "machine", dict)
    Manifest(tmp_path / "manifest.json").start_attempt(0, tmp_path / "log", 0)
    config = OmegaConf.create({"seed": 0, "trainer": {"wandb_token": "abcdefgh", "hf": SECRETS["HF_TOKEN"]}})
    RunFolder(tmp_path).write_config(config)
    log = tmp_path / "train.log"
    log.write_text("step 1\n" + "\n".join(f"{name}={value}" for name, value in SECRETS.items()) + "\n")
    assert redact_file(log) and not redact_file(log)

    for file in ("manifest.json", "config.yaml", "train.log"):
        text = (tmp_path / file).read_text()
        assert "***" in text and not [value for value in [*SECRETS.values(), "abcdefgh"] if value in text], file
    assert json.loads((tmp_path / "manifest.json").read_text())["seed"] == 0
    assert log.read_text().startswith("step 1\n")


@pytest.mark.usefixtures("environment")
def test_a_run_with_a_secret_in_its_config_can_be_continued(tmp_path: Path) -> None:
    optim = {"optim": {"lr_scheduler_type": "constant"}}
    config = OmegaConf.create(
        {"hf": SECRETS["HF_TOKEN"], "api_key": "abc", "trainer": {}, "actor_rollout_ref": {"actor": optim}}
    )
    folder = RunFolder(tmp_path)
    folder.write_config(config)
    folder.refuse_other_config(config)
