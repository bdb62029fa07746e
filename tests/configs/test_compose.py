"""Every shipped choice composes and passes verl's own validation on a machine without a GPU."""

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import PolicyLossConfig

from recipes.checks import config as config_checks
from recipes.common.paths import config_dir
from recipes.config.compose import resolved
from recipes.plugin.methods import METHODS

pytestmark = pytest.mark.xdist_group("policy losses")  # one worker composes each of them, for all tests of the group
POLICY_LOSSES = sorted(path.stem for path in (config_dir() / "policy_loss").glob("*.yaml"))
MODELS = sorted(path.stem for path in (config_dir() / "model").glob("*.yaml"))
# Those of the papers have tests of their own: test_experiments.py.
EXPERIMENTS = sorted(path.stem for path in (config_dir() / "experiment").glob("*.yaml"))
PAPER_MODELS = [name for name in MODELS if name.startswith("deepseek")]


@pytest.mark.parametrize("policy_loss", POLICY_LOSSES)
def test_every_policy_loss_on_a_cpu(composed, policy_loss: str) -> None:
    config = composed(f"policy_loss={policy_loss}")
    config_checks.check_config(resolved(config))
    written = config.actor_rollout_ref.actor.policy_loss
    verls = {option.name for option in fields(PolicyLossConfig)}
    options = {option.name for option in fields(type(omega_conf_to_dataclass(written)))}
    missing = options - verls - set(written)
    assert not missing, "an option outside the YAML can be overridden with a + only"


@pytest.mark.parametrize("policy_loss", ["dgpo", "maspo", "grpo", "gspo", "entropy_adv", "m2po", "dppo_tv"])
def test_a_method_around_the_policy_that_sampled(composed, policy_loss: str) -> None:
    config = composed(f"policy_loss={policy_loss}", "anchor=rollout")
    config_checks.check_config(resolved(config))
    assert config.algorithm.rollout_correction.bypass_mode and config.actor_rollout_ref.rollout.calculate_log_probs


@pytest.mark.parametrize("model", MODELS)
def test_every_model_on_a_cpu(composed, model: str) -> None:
    words = ["model_path=Qwen/Qwen3-1.7B"] if model == "auto" else []
    config_checks.check_config(resolved(composed(f"model={model}", *words)))


# Every policy loss on eight GPUs: test_presets.py.


EXECUTOR = "actor_rollout_ref.rollout.engine_kwargs.vllm.distributed_executor_backend"


def test_vllm_computes_a_tiny_model_in_its_engine_on_a_cpu(composed) -> None:
    """vLLM looks the class up as it would for any user's executor."""
    from vllm.v1.executor.abstract import Executor
    from vllm.v1.executor.uniproc_executor import UniProcExecutor

    chosen = OmegaConf.select(composed("model=tiny"), EXECUTOR)
    asked: Any = SimpleNamespace(parallel_config=SimpleNamespace(distributed_executor_backend=chosen))
    assert Executor.get_class(asked) is UniProcExecutor
    assert OmegaConf.select(composed("model=smollm2-135m"), EXECUTOR) is None  # threads are of use there


@pytest.mark.parametrize(
    "words", [["hardware=8x80gb"], ["actor_rollout_ref.rollout.tensor_model_parallel_size=2"]], ids=["gpus", "shared"]
)
def test_elsewhere_in_processes_of_its_own(composed, words: list[str]) -> None:
    assert OmegaConf.select(composed("model=tiny", *words), EXECUTOR) == "mp"


@pytest.mark.parametrize(
    "words, threads",
    [
        (["model=smollm2-135m"], 6),
        (["model=smollm2-135m", "trainer.n_gpus_per_node=4"], 1),
        (["model=smollm2-135m", "trainer_mode=separate_async"], 3),
        ([], 1),
    ],
)
def test_a_cpu_s_workers_share_its_cores(
    composed, monkeypatch: pytest.MonkeyPatch, words: list[str], threads: int
) -> None:
    """Ray would give each one thread; a tiny model needs no more."""
    monkeypatch.setattr("recipes.common.resolvers.available_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    config = resolved(composed(*words))
    assert str(threads) == config.ray_kwargs.ray_init.runtime_env.env_vars.OMP_NUM_THREADS


@pytest.mark.parametrize("model", PAPER_MODELS)
def test_every_paper_model_on_eight_gpus(composed, model: str) -> None:
    config = composed(f"model={model}", "data=dapo_math_17k", "hardware=8x80gb")
    config_checks.check_config(resolved(config))
    assert config.data.train_batch_size // config.actor_rollout_ref.actor.ppo_mini_batch_size == 16
    assert config.actor_rollout_ref.actor.use_dynamic_bsz and config.trainer.device == "cuda"
    assert not config.actor_rollout_ref.rollout.engine_kwargs.vllm.worker_extension_cls.startswith("recipes.plugin.cpu")
    assert config.hardware.sizes == model, "a paper model without its own sizes would run with verl's defaults"


@pytest.mark.parametrize("model", PAPER_MODELS)
def test_a_paper_model_on_eight_gpus_with_the_default_task(composed, model: str) -> None:
    config_checks.check_config(resolved(composed(f"model={model}", "hardware=8x80gb")))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment(composed, experiment: str) -> None:
    if experiment.startswith("reasoning_gym"):
        pytest.importorskip("reasoning_gym", reason="compiled at set-up, where there is a compiler")
    config_checks.check_config(resolved(composed(f"experiment={experiment}")))


VERLS_OWN = {"grpo": "vanilla", "clip_higher": "vanilla", "dr_grpo": "vanilla"} | {
    name: name for name in ("cispo", "sapo", "gspo", "dppo_tv")
}


@pytest.mark.parametrize("choice", [name for name in POLICY_LOSSES if "-" not in name])
def test_the_short_form_selects_the_loss(composed, choice: str) -> None:
    """Ours goes by its own name; where verl's own loss is exact, verl's name."""
    chosen = omega_conf_to_dataclass(composed(f"policy_loss={choice}").actor_rollout_ref.actor.policy_loss)
    assert chosen.loss_mode == VERLS_OWN.get(choice, choice)


def test_no_method_is_without_a_choice() -> None:
    assert set(METHODS) <= set(POLICY_LOSSES)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("dgpo", {"dgpo_n": 1, "dgpo_m": 2}),
        ("dgpo-1.5b", {"dgpo_n": 2, "dgpo_m": 2}),
        ("maspo", {"maspo_alpha": 0.3}),
        ("maspo-1.5b", {"maspo_alpha": 0.5}),
        ("ce_gppo", {"ce_gppo_beta1": 0.5, "ce_gppo_beta2": 1.0}),
        ("ce_gppo-7b", {"ce_gppo_beta1": 0.75, "ce_gppo_beta2": 1.0}),
        ("cispo-scalerl", {"cispo_two_sided": False, "loss_mode": "cispo_weighted"}),
    ],
)
def test_presets_by_model_size(composed, choice: str, expected: dict) -> None:
    chosen = omega_conf_to_dataclass(composed(f"policy_loss={choice}").actor_rollout_ref.actor.policy_loss)
    assert {name: chosen[name] for name in expected} == expected


@pytest.mark.parametrize("policy_loss", POLICY_LOSSES)
def test_the_dual_clip_can_be_switched(composed, policy_loss: str) -> None:
    """With verl's own losses too: ours takes over where theirs can't."""
    for wanted in (True, False):
        config = composed(f"policy_loss={policy_loss}", f"actor_rollout_ref.actor.policy_loss.dual_clip={wanted}")
        chosen = omega_conf_to_dataclass(config.actor_rollout_ref.actor.policy_loss)
        assert chosen.dual_clip is wanted
        assert chosen.loss_mode in (chosen.own_loss, chosen.verl_loss)


def test_the_papers_setup_is_the_default(composed) -> None:
    config = composed("data=dapo_math_17k")
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    assert (config.algorithm.adv_estimator, actor.loss_agg_mode) == ("grpo", "token-mean")
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.use_kl_loss, actor.entropy_coeff) == (0.2, 0.2, False, 0)
    assert (rollout.temperature, rollout.top_p, rollout.n) == (1.0, 1.0, 16)


def test_no_logger_that_needs_a_login(composed) -> None:
    assert set(composed().trainer.logger) == {"console", "file", "tensorboard"}


def test_configs_name_no_absolute_path() -> None:
    for path in Path(config_dir()).rglob("*.yaml"):
        code = [line.split("#")[0] for line in path.read_text().splitlines()]
        assert not any(": /" in line for line in code), path


def test_what_a_choice_says_holds() -> None:
    """train.yaml's own values stand before all groups; else they would win over a preset or a task without a word."""
    defaults = OmegaConf.load(config_dir() / "train.yaml").defaults
    names = [one if isinstance(one, str) else next(iter(one)) for one in defaults]
    assert [name for name in names[: names.index("_self_")] if not name.startswith("base/")] == []


def test_gpus_write_no_copy_and_a_procedural_task_has_its_own_verifier(composed) -> None:
    on_gpus = composed("experiment=dgpo/7b_dgpo", "hardware=8x80gb")
    assert on_gpus.actor_rollout_ref.actor.checkpoint.save_contents == ["model", "optimizer", "extra"]
    assert composed().actor_rollout_ref.actor.checkpoint.save_contents[-1] == "hf_model"
    assert composed("data=reasoning_gym").reward.custom_reward_function.path == "pkg://reward.procedural"
