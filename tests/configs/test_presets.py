"""Every hardware preset × model × method composes, passes all checks and fits; what makes no sense is refused.

Composing takes half a second and there are hundreds of combinations: each preset with its model, and each method, is
composed once, and the method's changes are laid over the preset's config. That composing gives the same is a test too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf, open_dict
from verl.trainer.config import RolloutCorrectionConfig

from recipes.checks import config as config_checks
from recipes.checks import hardware as hardware_checks
from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config import compose
from recipes.config import hardware as gpus
from recipes.config.compose import resolved
from recipes.inputs import architecture
from recipes.plan import __main__ as plan
from recipes.plan import advice, levers, memory, preset_table, sizes

pytestmark = pytest.mark.xdist_group("presets")  # each is composed once, in one worker of pytest-xdist
PAIRS = list(preset_table.pairs())
METHODS = sorted(path.stem for path in (config_dir() / "policy_loss").glob("*.yaml"))
FIRST = ("8x80gb", "deepseek-r1-distill-qwen-7b")
PLAIN, ENTROPY = preset_table.PLAIN, preset_table.ENTROPY
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, SPEED = ((DOCS / name).read_text(encoding="utf-8") for name in ("cluster.md", "speed.md"))
NODES = ("8x80gb", "2x8x80gb", "4x8x80gb", "8x141gb", "2x8x141gb", "4x8x141gb")
WANTED = {(preset, f"deepseek-r1-distill-qwen-{size}") for preset in NODES for size in ("1.5b", "7b", "14b")}
WANTED |= {(preset, "deepseek-r1-distill-qwen-1.5b") for preset in ("1x80gb", "1x141gb")}
SEPARATE = "trainer_mode=separate_async"
ROLLOUT = "actor_rollout_ref.rollout"
GONE = object()

Leaves = dict[str, Any]


def leaves(node: Any, path: str = "") -> Leaves:
    if isinstance(node, dict) and node:
        return {key: leaf for name, child in node.items() for key, leaf in leaves(child, f"{path}.{name}").items()}
    return {path[1:]: node}


@cache
def composed_config(preset: str, model: str, method: str) -> DictConfig:
    """Under one name: the default name holds those of model and method."""
    return resolved(
        compose.compose((*preset_table.overrides(preset, model, method), "trainer.experiment_name=presets"))
    )


@cache
def composed_leaves(preset: str, model: str, method: str) -> Leaves:
    return leaves(OmegaConf.to_container(composed_config(preset, model, method)))


def changes(one: Leaves, other: Leaves) -> Leaves:
    """What `other` has instead of what `one` has."""
    keys = [key for key in one | other if one.get(key, GONE) != other.get(key, GONE)]
    return {key: other.get(key, GONE) for key in keys}


@cache
def of_method(method: str) -> Leaves:
    return changes(composed_leaves(*FIRST, PLAIN), composed_leaves(*FIRST, method))


def lay_over(config: DictConfig, leaves_: Leaves) -> None:
    for key, leaf in leaves_.items():
        if leaf is not GONE:
            OmegaConf.update(config, key, leaf, merge=False, force_add=True)
            continue
        parent, _, name = key.rpartition(".")
        with open_dict(config):
            del OmegaConf.select(config, parent)[name]


@contextmanager
def with_method(preset: str, model: str, method: str) -> Iterator[DictConfig]:
    """The config of a preset and model, for the time of the context with another method."""
    config, before, change = (
        composed_config(preset, model, PLAIN),
        composed_leaves(preset, model, PLAIN),
        of_method(method),
    )
    lay_over(config, change)
    try:
        yield config
    finally:
        lay_over(config, {key: before.get(key, GONE) for key in change})


def planned(config: DictConfig) -> plan.Plan:
    return plan.Plan(architecture.of(config), gpus.find(config.hardware.gpu), sizes.of(config))


def fits_with_room(config: DictConfig) -> bool:
    """Certain to fit, and by the pessimistic end 5 % of the memory stay free."""
    asked = planned(config)
    peak = memory.peak(asked.model, asked.gpu, asked.run).high
    return advice.verdict(asked.model, asked.gpu, asked.run) == advice.FITS and peak < 0.95 * asked.gpu.memory


def test_the_presets_are_there() -> None:
    assert set(PAIRS) >= WANTED
    assert len(METHODS) >= 15


# On several nodes only trainer.nnodes differs (asserted below), on H200 the sizes: those run with --all.
@pytest.mark.parametrize(
    "pair",
    [pair if pair[0] in ("1x80gb", "8x80gb") else pytest.param(pair, marks=pytest.mark.slow) for pair in PAIRS],
    ids="-".join,
)
def test_every_method_passes_all_checks_and_fits(pair: tuple[str, str]) -> None:
    preset, model = pair
    twin = composed_leaves(
        preset.removeprefix("2x").removeprefix("4x") if preset.count("x") > 1 else preset, model, PLAIN
    )
    # More nodes change nothing that a check of the method looks at: a third of the methods goes through all checks.
    differs = {key for key in changes(twin, composed_leaves(*pair, PLAIN)) if not key.startswith("hardware.")}
    assert differs <= {"trainer.nnodes"}
    thorough = METHODS[PAIRS.index(pair) % 3 :: 3] if differs else METHODS
    for method in METHODS:
        with with_method(*pair, method) as config:
            if method in thorough:
                config_checks.check_config(config)
            assert fits_with_room(config), method


@pytest.mark.parametrize("number", [0, *(pytest.param(more, marks=pytest.mark.slow) for more in (1, 2, 3))])
def test_laying_over_is_what_composing_gives(number: int) -> None:
    pair, method = PAIRS[number * len(PAIRS) // 4], METHODS[(number * 7 + 3) % len(METHODS)]
    with with_method(*pair, method) as config:
        assert leaves(OmegaConf.to_container(config)) == composed_leaves(*pair, method)


def test_presets_and_methods_set_different_keys() -> None:
    """Else a combination would depend on which of the two comes last."""
    of_pairs = {key for pair in PAIRS for key in changes(composed_leaves(*FIRST, PLAIN), composed_leaves(*pair, PLAIN))}
    of_methods = {key for method in METHODS for key in of_method(method)}
    assert (
        f"{ROLLOUT}.tensor_model_parallel_size" in of_pairs
        and "actor_rollout_ref.actor.policy_loss.loss_mode" in of_methods
    )
    assert not of_pairs & of_methods


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_preset_is_what_its_name_says(pair: tuple[str, str]) -> None:
    preset, model = pair
    config = composed_config(preset, model, PLAIN)
    *counts, memory = preset.split("x")
    nodes, per_node = [1, *map(int, counts)][-2:]
    assert (config.trainer.nnodes, config.trainer.n_gpus_per_node) == (nodes, per_node)
    assert f"{memory.removesuffix('gb')} GB" in gpus.find(config.hardware.gpu).name
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    assert actor.strategy == "fsdp2" and actor.use_dynamic_bsz
    assert (config.hardware.preset, config.hardware.model, config.hardware.sizes) == (preset, model, model)
    assert (rollout.nnodes, rollout.checkpoint_engine.backend) == (0, "naive")
    assert rollout.engine_kwargs.vllm.worker_extension_cls.startswith("recipes.plugin.rollout.weight_socket.")


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0].endswith("80gb")], ids="-".join)
def test_an_a100_has_the_memory_of_an_h100(pair: tuple[str, str]) -> None:
    with with_method(*pair, ENTROPY) as config:
        asked = planned(config)
        assert advice.verdict(asked.model, gpus.find("a100"), asked.run) == advice.FITS


def test_the_page_holds_the_table() -> None:
    configs: dict[tuple[str, str, str], DictConfig] = {}
    for pair in PAIRS:
        for method in (PLAIN, ENTROPY):
            with with_method(*pair, method) as config:
                configs[(*pair, method)] = config.copy()
    table = preset_table.table(configs)
    assert "\n".join(table) in PAGE, "print it with `python -m recipes.plan.preset_table`"
    for preset in (path.stem for path in (config_dir() / "hardware").glob("*gb.yaml")):
        assert f"`{preset}`" in PAGE


def test_the_page_holds_the_levers_and_each_of_them_fits() -> None:
    table = "\n".join(levers.table())
    assert table in SPEED, "print it with `python -m recipes.plan.levers`"
    assert all(levers.effect((*lever.where, *lever.after)).fits for lever in levers.LEVERS)


# What makes no sense


@pytest.mark.parametrize(
    ("overrides", "words"),
    {
        "14B on one GPU": (
            ["model=deepseek-r1-distill-qwen-14b", "hardware=1x80gb"],
            [
                "hardware=1x80gb",
                "model=deepseek-r1-distill-qwen-14b",
                "8x80gb, 2x8x80gb, 4x8x80gb",
                "hardware/base/1x80gb/",
            ],
        ),
        "7B on one H200": (
            ["model=deepseek-r1-distill-qwen-7b", "hardware=1x141gb"],
            ["hardware=1x141gb has no sizes", "8x141gb"],
        ),
        "a model for CPUs": (
            ["hardware=2x8x80gb"],
            ["hardware=2x8x80gb", "model=tiny", "one of cpu", "hardware/base/80gb/tiny"],
        ),
        "unknown GPU": ([*preset_table.overrides(*FIRST, PLAIN), "hardware.gpu=b300"], ["hardware.gpu=b300", "h200"]),
        "shards that don't divide": (
            [*preset_table.overrides(*FIRST, PLAIN), "actor_rollout_ref.actor.fsdp_config.fsdp_size=3"],
            ["fsdp_size=3", "8 devices", "fsdp_size=-1"],
        ),
        "no GPU that generates": ([SEPARATE, f"{ROLLOUT}.nnodes=0"], [f"{ROLLOUT}.nnodes=0", f"{ROLLOUT}.nnodes=1"]),
        "GPUs that nobody uses": ([f"{ROLLOUT}.nnodes=1"], [f"{ROLLOUT}.nnodes=1", SEPARATE]),
        "weights that can't travel": (
            [SEPARATE, f"{ROLLOUT}.checkpoint_engine.backend=naive"],
            ["backend=naive", "backend=gloo"],
        ),
        "updates per transfer": (
            [SEPARATE, "trainer.v1.separate_async.parameter_sync_step=3"],
            ["parameter_sync_step=3", "write 4"],
        ),
        "a pass for π_old that is larger than an update": (
            [
                SEPARATE,
                "actor_rollout_ref.actor.ppo_mini_batch_size=4",
                f"{ROLLOUT}.n=8",
                "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
            ],
            ["log_prob_micro_batch_size_per_gpu=64", "32 responses", "mini-batch", "per_gpu=32"],
        ),
        "no engines beside the trainer": ([SEPARATE, "actor_rollout_ref.hybrid_engine=false"], ["hybrid_engine=true"]),
        "engines wider than a node": (
            [
                *preset_table.overrides("8x80gb", "deepseek-r1-distill-qwen-14b", PLAIN),
                SEPARATE,
                f"{ROLLOUT}.n_gpus_per_node=1",
            ],
            ["tensor_model_parallel_size=2", f"{ROLLOUT}.n_gpus_per_node=1"],
        ),
        "a correction that bypass mode ignores": (
            ["policy_loss=dppo_tv", "rollout_correction=token_tis"],
            ["rollout_is=token", "bypass_mode=true", "rollout_correction=none"],
        ),
        "a filter that bypass mode ignores": (
            ["policy_loss=dppo_tv", "rollout_correction=geo_rs"],
            ["rollout_rs=seq_mean_k1"],
        ),
    }.values(),
)
def test_what_makes_no_sense_is_refused(overrides: list[str], words: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        config_checks.check_config(resolved(compose.compose(overrides)))
    assert not [word for word in words if word not in str(refused.value)], refused.value


# Trainer modes


@pytest.mark.parametrize("chosen", [(), preset_table.overrides(*FIRST, "bapo")], ids=["cpu", "8x80gb"])
def test_separate_async_composes_and_asks_for_its_gpus(chosen: tuple[str, ...]) -> None:
    config = resolved(compose.compose((*chosen, SEPARATE, "rollout_correction=token_tis")))
    config_checks.check_config(config)
    rollout, steps = config.actor_rollout_ref.rollout, config.trainer.v1.separate_async.parameter_sync_step
    assert rollout.nnodes == 1 and rollout.n_gpus_per_node == config.trainer.n_gpus_per_node
    assert steps * config.actor_rollout_ref.actor.ppo_mini_batch_size == config.data.train_batch_size
    assert rollout.checkpoint_engine.backend == ("nccl" if chosen else "gloo")
    assert gpus.nodes(config) == config.trainer.nnodes + 1
    assert gpus.rollout_gpus(config) == config.trainer.n_gpus_per_node
    if not chosen:
        assert config.ray_kwargs.ray_init.num_gpus == 2


def test_a_machine_must_hold_both_kinds_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: (8, 0))
    monkeypatch.setattr("recipes.checks.trainer_mode.find_spec", lambda name: name)
    config = composed_config(*FIRST, PLAIN).copy()
    hardware_checks.check_hardware(config)
    config.trainer.v1.trainer_mode, config.actor_rollout_ref.rollout.nnodes = "rlvr_separate_async", 1
    with pytest.raises(UserError, match=r"8 GPU\(s\) that only generate.*trainer\.n_gpus_per_node=4"):
        hardware_checks.check_hardware(config)
    config.trainer.n_gpus_per_node = config.actor_rollout_ref.rollout.n_gpus_per_node = 4
    hardware_checks.check_hardware(config)


def test_nccl_needs_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipes.checks.trainer_mode.find_spec", lambda name: None)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    config = composed_config(*FIRST, PLAIN).copy()
    config.actor_rollout_ref.rollout.checkpoint_engine.backend = "nccl"
    hardware_checks.check_hardware(config)
    config.trainer.v1.trainer_mode = "rlvr_separate_async"
    with pytest.raises(UserError, match=r"cupy.*setup\.sh gpu"):
        hardware_checks.check_hardware(config)


# Rollout correction

VERLS = {
    "none": RolloutCorrectionConfig.disabled,
    "token_tis": RolloutCorrectionConfig.decoupled_token_is,
    "seq_tis": RolloutCorrectionConfig.decoupled_seq_is,
    "seq_mis": RolloutCorrectionConfig.decoupled_seq_is_rs,
    "token_icepop": RolloutCorrectionConfig.decoupled_token_icepop,
    "geo_rs": RolloutCorrectionConfig.decoupled_geo_rs,
}


def test_every_correction_is_tested() -> None:
    assert set(VERLS) == {path.stem for path in (config_dir() / "rollout_correction").glob("*.yaml")}


@pytest.mark.parametrize("choice", VERLS)
def test_a_correction_is_verls_own_preset(choice: str) -> None:
    config = resolved(compose.compose([f"rollout_correction={choice}"]))
    config_checks.check_config(config)
    expected: Callable[[], RolloutCorrectionConfig] = VERLS[choice]
    assert dict(config.algorithm.rollout_correction) == {
        key: expected()[key] for key in config.algorithm.rollout_correction
    }
    assert config.actor_rollout_ref.rollout.calculate_log_probs, "verl skips the correction without a word otherwise"


def test_each_trainer_mode_is_a_trainer_with_our_worker() -> None:
    from verl.trainer.ppo.v1 import get_trainer_cls
    from verl.workers.engine_workers import ActorRolloutRefWorker

    import recipes.plugin.trainer  # noqa: F401 (registers)
    from recipes.plugin.actor_worker import RecipeTrainingWorker

    for choice in (path.stem for path in (config_dir() / "trainer_mode").glob("*.yaml")):
        trainer = get_trainer_cls(resolved(compose.compose([f"trainer_mode={choice}"])).trainer.v1.trainer_mode)
        verls = get_trainer_cls(choice)
        assert issubclass(trainer, verls) and trainer is not verls and trainer.verl_mode == choice
        assert issubclass(trainer.actor_worker, ActorRolloutRefWorker)
        assert trainer.actor_worker.actor_worker_cls is RecipeTrainingWorker
        # Ours comes first, or verl's advantage step would run without the watch over the scorer.
        assert trainer._compute_advantage is not verls._compute_advantage
