"""No secret from the environment or the command line is left in what a run writes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from recipes.common.secrets import is_secret_name, redact_file, redacted, redacted_text
from recipes.config import compose
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
NAMES = ["HF_TOKEN_2", "WANDB_API_KEY_PROD", "GITHUB_PAT", "SSH_PASSPHRASE", "DB_PASS", "PGPASSWORD", "MYSQL_PWD"]
NAMES += ["MY_AUTH", "KEY", "TOKEN_2", "AWS_ACCESS_KEY_ID", "X-Api-Key", "hfToken", "client_secrets", "token"]
NAMES += ["HFTOKEN", "JWT", "SLACK_WEBHOOK_URL"]
NAMES += ["trainer.api_key", "+trainer.wandb_token", "hub.access_token"]
INNOCENT = ["tokenizer", "max_tokens", "pad_token", "eos_token_id", "prompt_key", "reward_fn_key", "key", "tokens"]
INNOCENT += ["num_key_value_heads", "token_level_rewards", "missing_keys", "KeyError", "PWD", "PATH", "bypass_mode"]
INNOCENT += ["RAY_AUTH_TOKEN_PATH", "SSH_AUTH_SOCK", "author"]
PLACES = [  # each with the secret s3cret-value
    "https://bob:s3cret-value@host/x",
    "MLFLOW_TRACKING_URI=https://bob:s3cret-value@host",
    "postgres://bob:p@s3cret-value@host/db",
    "git clone https://s3cret-value@host/x",
    "Authorization: Bearer s3cret-value",
    "curl -H 'Authorization: Basic s3cret-value' host",
    "'Authorization': 'Bearer s3cret-value'",
    "sent: Bearer s3cret-value to host",
    "+trainer.wandb_token=s3cret-value",
    "python -m x --api-key s3cret-value --lr 1",
    "{'api_key': 's3cret-value'}",
    r'"environment": "{\"HF_TOKEN\": \"s3cret-value\"}"',
    'command="python -m x hf_token=s3cret-value" seed=0',
    'HF_TOKEN="s3cret-value',
    "HF_TOKEN = s3cret-value",
    "https://host/x?api_key=s3cret-value&y=1",
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", [*SECRETS, *NAMES])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", INNOCENT)
def test_names_of_the_trade_are_none(name: str) -> None:
    assert not is_secret_name(name)


def test_no_key_of_the_configs_is_taken_for_a_secret() -> None:
    for primary in (compose.TRAIN, compose.EVALUATE):
        plain = OmegaConf.to_container(compose.compose([], primary))
        assert redacted(plain, {}) == plain
        assert [name for name in names(plain) if is_secret_name(name)] == ["token2text"]  # a flag; HF_TOKEN2 is none


def names(content: Any) -> set[str]:
    """Every key, at any depth."""
    below = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return {*(content if isinstance(content, dict) else ()), *(name for value in below for name in names(value))}


@pytest.mark.parametrize("text", PLACES)
def test_a_place_is_enough(text: str) -> None:
    assert "s3cret" not in redacted_text(text, {}) and "***" in redacted_text(text, {})


def test_a_password_of_an_address_is_known_by_its_value() -> None:
    environment = {"http_proxy": "http://bob:s3cret%20value@proxy:80"}
    assert redacted_text("407 for bob with s3cret%20value", environment) == "407 for bob with ***"
    assert redacted(environment, {}) != environment and redacted(free := {"http_proxy": "http://proxy:80"}, {}) == free


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
