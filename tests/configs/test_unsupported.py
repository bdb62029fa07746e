"""docs/support.md: each "no" is refused before Ray starts, each "yes" that is only a value is accepted."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from recipes.checks import config as config_checks
from recipes.checks import hardware, unsupported
from recipes.common.errors import UserError
from recipes.config.compose import resolved

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "support.md").read_text()
YES, NO = PAGE.split("## No")
ASKED = re.findall(r"^\|[^|]+\| `([^`]+=[^`]+)` \|", NO, re.M)
ESTIMATORS = ("grpo", "dr_grpo", "signed_reward", "rloo", "reinforce_plus_plus", "reinforce_plus_plus_baseline", "opo")
KL = [
    ["actor_rollout_ref.actor.use_kl_loss=true", "actor_rollout_ref.actor.kl_loss_type=k2"],
    ["algorithm.use_kl_in_reward=true", "algorithm.kl_penalty=low_var_kl"],
]


def test_the_page_is_read() -> None:
    assert len(ASKED) >= 18 and {one.key for one in unsupported.TABLE} <= {word.partition("=")[0] for word in ASKED}


@pytest.mark.parametrize("word", ASKED)
def test_what_is_not_supported_is_refused_and_what_to_write_is_said(composed, word: str) -> None:
    with pytest.raises(UserError, match="Write ") as error:
        config_checks.check_config(resolved(composed(word)))
    assert word.partition("=")[0] in str(error.value)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimators_compose(composed, estimator: str) -> None:
    loss = {"signed_reward": "topr", "dr_grpo": "dr_grpo"}.get(estimator, "grpo")
    words = (f"policy_loss={loss}", f"algorithm.adv_estimator={estimator}")
    config_checks.check_config(resolved(composed(*words)))


@pytest.mark.parametrize("words", KL, ids=" ".join)
def test_kl_composes(composed, words: list[str]) -> None:
    size = "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=64"
    config_checks.check_config(resolved(composed(*words, size)))


CONFIG = SimpleNamespace(actor_rollout_ref=SimpleNamespace(model=SimpleNamespace(path="/m")))


@pytest.mark.parametrize(
    "facts", [{"num_experts": 128}, {"num_local_experts": 8}, {"n_routed_experts": 256}, {"vision_config": {}}]
)
def test_models_that_are_not_dense_or_not_of_text_are_refused(facts: dict) -> None:
    with pytest.raises(UserError, match=r"model\.path=/m: .* are not supported.*Choose a .*support\.md"):
        unsupported.check_model(CONFIG, facts)  # type: ignore[arg-type]


def test_a_dense_model_of_text_is_accepted() -> None:
    unsupported.check_model(CONFIG, {"num_attention_heads": 28, "num_experts": 0})  # type: ignore[arg-type]


def test_gpus_of_amd_and_old_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hardware._check_maker()
    monkeypatch.setattr(torch.version, "hip", "6.4")
    with pytest.raises(UserError, match=r"built for AMD \(ROCm 6\.4\), which is not supported.*hardware=cpu"):
        hardware._check_maker()
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "Tesla V100")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: (8 - number, 0))
    with pytest.raises(UserError, match=r"GPU 1 \(Tesla V100\) has compute capability 7\.0, which is not supported"):
        hardware._check_maker()


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", YES)
    assert len(named) > 12
    for file, function in named:
        text = (ROOT / file).read_text()
        assert not function or f"def {function}(" in text, f"{file} has no {function}"
