"""The experiments: a file per published row, each composes, trains what its header says, and runs at every scale."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from recipes.checks import config as config_checks
from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config.compose import resolved
from recipes.plugin.methods import METHODS
from recipes.reproduce import SMALL
from recipes.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
FOLDER = config_dir() / "experiment"
PUBLISHED = json.loads((ROOT / "recipes" / "report" / "published.json").read_text(encoding="utf-8"))
ARXIV = {table["paper"]: table["arxiv"] for table in PUBLISHED["tables"]}
PAGE = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
NAMES = sorted(
    str(path.relative_to(FOLDER).with_suffix(""))
    for paper in ("dgpo", "maspo")
    for path in (FOLDER / paper).rglob("*")
    if path.suffix == ".yaml"
)
ROWS = [name for name in NAMES if "/ablation/" not in name]
ABLATIONS = [name for name in NAMES if name not in ROWS]
# One experiment per method, at 1.5B; GRPO stands in both papers.
TINY = list({name.partition("1.5b_")[2]: name for name in ROWS if "/1.5b_" in name}.values())
SHORT = ["dgpo/7b_dgpo", "maspo/1.5b_maspo", "maspo/14b_grpo"]
PRESETS = {("dgpo", "1.5b"): "dgpo-1.5b", ("maspo", "1.5b"): "maspo-1.5b", ("ce_gppo", "7b"): "ce_gppo-7b"}


def published() -> dict[str, list[tuple[str, str, str, float, float]]]:
    """Experiment → (paper, table, method, Avg@32, Pass@32) of every table its row stands in."""
    found: dict[str, list[tuple[str, str, str, float, float]]] = {}
    for table in PUBLISHED["tables"]:
        for row in table["rows"]:
            name = (
                f"{table['paper'].lower()}/{row.get('model', table.get('model'))}_{PUBLISHED['methods'][row['method']]}"
            )
            avg, passed = (row[key][-1] if isinstance(row[key], list) else row[key] for key in PUBLISHED["metrics"])
            found.setdefault(name, []).append((table["paper"], table["table"], row["method"], avg, passed))
    return found


EXPECTED = published()


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def header(name: str) -> list[str]:
    """The comment lines after `# @package`."""
    first, *lines = text_of(name).splitlines()
    assert first == "# @package _global_", name
    end = next(number for number, line in enumerate(lines) if not line.startswith("# "))
    return [line[2:] for line in lines[:end]]


def updates_per_rollout_batch(config: DictConfig) -> int:
    batch, mini = config.data.train_batch_size, config.actor_rollout_ref.actor.ppo_mini_batch_size
    assert batch % mini == 0
    return batch // mini * config.actor_rollout_ref.actor.ppo_epochs


def checked(config: DictConfig) -> DictConfig:
    found = resolved(config)
    config_checks.check_config(found)
    assert updates_per_rollout_batch(found) == 16, "with fewer, ratios stay near 1 and methods look alike"
    return found


def remote_code_switches(config: DictConfig) -> dict[str, Any]:
    """Every trust_remote_code of a resolved config, by its path."""
    found = {}
    for key in config:
        value = None if OmegaConf.is_missing(config, key) else config[key]
        if isinstance(value, DictConfig):
            found |= {f"{key}.{rest}": switch for rest, switch in remote_code_switches(value).items()}
        elif key == "trust_remote_code":
            found[str(key)] = value
    return found


FULL_SCALE: dict[str, DictConfig] = {}


def full_scale(composed, name: str) -> DictConfig:
    """The experiment as its file has it, with seed 3; composed and checked once per process."""
    if name not in FULL_SCALE:
        FULL_SCALE[name] = checked(composed(f"experiment={name}", "seed=3"))
    return FULL_SCALE[name]


# The files


def test_every_published_row_has_a_file_and_every_file_a_row() -> None:
    assert set(ROWS) == set(EXPECTED)


def test_both_tables_name_all_twelve_methods() -> None:
    assert len(TINY) == 12
    assert {name.partition("1.5b_")[2] for name in TINY} <= set(METHODS)


@pytest.mark.parametrize("name", ROWS)
def test_the_header_names_paper_row_and_numbers(name: str) -> None:
    lines = header(name)
    for paper, table, method, avg, passed in EXPECTED[name]:
        size = name.split("/")[1].split("_")[0].upper()
        assert lines[0].startswith(f"{paper} (arXiv {ARXIV[paper]}), ")
        assert table.split(" (")[0] in lines[0]
        assert lines[0].endswith(f"row {method} at {size}: average Avg@32 {avg}, Pass@32 {passed}.")
    assert any(line.startswith("Method: ") for line in lines)
    assert any(line.startswith("Set-up: ") for line in lines)
    assert "[?]" in " ".join(lines), "nothing of these papers' runs is wholly known"


@pytest.mark.parametrize("name", ABLATIONS)
def test_the_header_names_paper_and_ablation(name: str) -> None:
    paper, size = name.split("/")[0].upper(), name.split("/")[2].split("_")[0].upper()
    first = rf"(Ablation|Confound) of {paper} \(arXiv {ARXIV[paper]}\): .+ at {size}\."
    assert re.fullmatch(first, header(name)[0])
    assert len(header(name)) >= 3


def test_the_page_lists_every_file_with_its_numbers() -> None:
    for name in NAMES:
        (row,) = (line for line in PAGE.splitlines() if f"[`{name}`](../configs/experiment/{name}.yaml)" in line)
        for *_, avg, passed in EXPECTED.get(name, []):
            assert f"| {avg} | {passed} |" in row


def test_published_averages_are_those_of_their_rows() -> None:
    """To the digit they are printed with."""
    for table in PUBLISHED["tables"]:
        assert table["source"].startswith("README of") and "https://github.com/" in table["source"]
        for row in table["rows"]:
            for numbers in (row[key] for key in PUBLISHED["metrics"] if isinstance(row[key], list)):
                assert sum(numbers[:-1]) / 6 == pytest.approx(numbers[-1], abs=0.0501)


# What they compose to


@pytest.mark.parametrize("name", ROWS)
def test_a_row_trains_its_method_in_the_papers_setup(composed, name: str) -> None:
    paper, file = name.split("/")
    size, method = file.split("_", 1)
    config = full_scale(composed, name)
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    assert config.run_dir.endswith(f"/outputs/{paper}/{file}-seed3")
    run, trainer = RunFolder.of(config), config.trainer
    assert (run.responses("train"), run.responses("validation"), run.checkpoints.path) == tuple(
        map(Path, (trainer.rollout_data_dir, trainer.validation_data_dir, trainer.default_local_dir))
    ), "verl writes where we read"
    assert config.actor_rollout_ref.model.path.endswith(f"-Qwen-{size.upper()}")
    assert config.trainer.device == "cuda" and config.trainer.n_gpus_per_node * config.trainer.nnodes == 8
    preset = f"override /policy_loss: {PRESETS.get((method, size), method)}\n"
    assert preset in text_of(name)
    assert actor.policy_loss["_target_"].startswith((f"losses.baselines.{method}.", f"{method}.config."))
    assert settings(config) == SETTINGS | method_settings(method)
    assert (rollout.max_model_len, config.reward.reward_manager.name) == (2048 + 8192, "naive")
    assert not config.algorithm.filter_groups.enable and not config.algorithm.use_kl_in_reward
    switches = remote_code_switches(config)
    assert {"data.trust_remote_code", "actor_rollout_ref.model.trust_remote_code"} <= switches.keys()
    assert not any(switches.values()), "code of a model's repository runs only where it is asked for"


# The shared set-up; docs/experiments.md has the same keys and values with where they come from.
SETTINGS: dict[str, Any] = {
    "data.train_batch_size": 512,
    "actor_rollout_ref.actor.ppo_mini_batch_size": 32,
    "actor_rollout_ref.actor.ppo_epochs": 1,
    "actor_rollout_ref.rollout.n": 16,
    "actor_rollout_ref.actor.optim.lr": 1e-6,
    "actor_rollout_ref.actor.optim.weight_decay": 0.1,
    "actor_rollout_ref.actor.optim.lr_warmup_steps": 10,
    "actor_rollout_ref.actor.optim.lr_scheduler_type": "constant",
    "actor_rollout_ref.actor.optim.clip_grad": 1.0,
    "actor_rollout_ref.actor.clip_ratio_low": 0.2,
    "actor_rollout_ref.actor.clip_ratio_high": 0.2,
    "actor_rollout_ref.actor.loss_agg_mode": "token-mean",
    "actor_rollout_ref.actor.use_kl_loss": False,
    "actor_rollout_ref.actor.entropy_coeff": 0,
    "algorithm.adv_estimator": "grpo",
    "actor_rollout_ref.rollout.temperature": 1.0,
    "actor_rollout_ref.rollout.top_p": 1.0,
    "data.max_prompt_length": 2048,
    "data.max_response_length": 8192,
    "trainer.total_training_steps": 300,
}
HIGHER = {"actor_rollout_ref.actor.clip_ratio_high": 0.28}


def settings(config: DictConfig) -> dict[str, Any]:
    values = {}
    for key in SETTINGS:
        node: Any = config
        for part in key.split("."):
            node = node[part]
        values[key] = node
    return values


def method_settings(method: str) -> dict[str, Any]:
    """Where a method's own paper or code departs from the shared set-up."""
    return {
        "clip_higher": HIGHER,
        "entropy_adv": HIGHER,
        "gppo": HIGHER,
        "dac": {"actor_rollout_ref.actor.clip_ratio_low": 0.16},
        "sapo": {"actor_rollout_ref.actor.loss_agg_mode": "seq-mean-token-mean"},
    }.get(method, {})


def test_the_page_states_the_shared_setup() -> None:
    stated = dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \| \[[ABC?]\]", PAGE, flags=re.MULTILINE))
    written = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in SETTINGS.items()}
    assert stated == {key.replace("actor_rollout_ref.", ""): value for key, value in written.items()}


def changes_of(name: str) -> dict[str, Any]:
    """What the file's name says that its run has."""
    what = name.split("_", 1)[1]
    if pair := re.fullmatch(r"n(\d)_m(\d)", what):
        return {"dgpo_n": int(pair[1]), "dgpo_m": int(pair[2])}
    option, value = what.rsplit("_", 1)
    if option == "beta":
        return {"maspo_beta_pos": float(value), "maspo_beta_neg": float(value)}
    return {f"maspo_{option}": value if option == "gate" else float(value)}


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_changes_what_it_says_and_nothing_else(composed, name: str) -> None:
    config = checked(composed(f"experiment={name}"))
    paper, _, file = name.split("/")
    assert config.run_dir.endswith(f"/outputs/{paper}/{file}-seed0")
    assert settings(config) == SETTINGS
    actor, loss = config.actor_rollout_ref.actor, config.actor_rollout_ref.actor.policy_loss
    if file.endswith("_grpo_c10"):
        assert (actor.clip_ratio_c, loss.dual_clip, loss.loss_mode) == (10.0, True, "vanilla")
        return
    expected = changes_of(name)
    usual = {"dgpo": {}, "maspo": {"maspo_alpha": 0.5, "maspo_beta_pos": 0.03, "maspo_gate": "unilateral"}}[paper]
    assert {key: loss[key] for key in usual | expected} == usual | expected


# At other scales


@pytest.mark.parametrize("name", TINY)
def test_every_method_at_the_tiny_scale(composed, name: str) -> None:
    """The same method with the same hyper-parameters, on a CPU."""
    config = checked(composed(f"experiment={name}", "scale=tiny", "seed=1"))
    assert config.run_dir.endswith(f"/outputs/{name}-tiny-seed1")
    assert (config.hardware.device, config.trainer.n_gpus_per_node) == ("cpu", 1)
    assert config.prepare.model["_target_"] == "recipes.inputs.tiny_model.build"
    assert config.prepare.data["_target_"] == "recipes.inputs.arithmetic.build"
    full = full_scale(composed, name).actor_rollout_ref.actor
    assert config.actor_rollout_ref.actor.policy_loss == full.policy_loss
    for key in ("clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "loss_agg_mode", "calculate_entropy"):
        assert config.actor_rollout_ref.actor[key] == full[key]


def test_the_bridge_is_the_studys_arithmetic_at_64_updates(composed) -> None:
    """In step with configs/study/world/arithmetic.yaml: what carries over must be the same."""
    config = resolved(composed("experiment=maspo/1.5b_sapo", "scale=bridge", "seed=5"))
    config_checks.check_config(config)
    world = OmegaConf.load(config_dir() / "study" / "world" / "arithmetic.yaml")
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    assert config.run_dir.endswith("/outputs/maspo/1.5b_sapo-bridge-seed5")
    assert updates_per_rollout_batch(config) == 64 in world.study.updates
    assert (actor.ppo_mini_batch_size, [rollout.n]) == (world.world.prompts, list(world.study.group))
    assert actor.optim.lr in world.study.rates
    assert (actor.optim.lr_scheduler_type, actor.optim.lr_warmup_steps) == ("constant", 0)


@pytest.mark.parametrize("name", SHORT)
def test_a_day_on_eight_gpus(composed, name: str) -> None:
    config = checked(composed(f"experiment={name}", "scale=7b-short"))
    assert config.run_dir.endswith(f"/outputs/{name}-7b-short-seed0")
    assert config.data.train_batch_size < 512 and config.data.max_response_length < 8192
    assert config.actor_rollout_ref.rollout.n == 16 and config.trainer.total_training_steps < 300


def test_the_papers_scale_is_no_scale(composed) -> None:
    plain, paper = (resolved(composed("experiment=maspo/7b_sapo", *more)) for more in ([], ["scale=paper"]))
    assert plain == paper


def test_the_command_line_wins_over_experiment_and_scale(composed) -> None:
    more = ("trainer.total_training_steps=7", "model=smollm2-135m", "policy_loss=grpo")
    config = composed("experiment=dgpo/1.5b_dgpo", "scale=tiny", *more)
    assert config.trainer.total_training_steps == 7
    assert config.prepare.model["_target_"] == "recipes.inputs.smollm2.build"
    assert config.actor_rollout_ref.actor.policy_loss.loss_mode == "vanilla"


@pytest.mark.parametrize("override", ["experiment=dgpo/7b_dgop", "scale=tinny", "reward_shaping=overlng"])
def test_a_misspelt_choice_is_refused(composed, override: str) -> None:
    with pytest.raises(UserError, match=override.split("=")[1]):
        composed(override)


def test_two_experiments_at_once_need_a_name(composed) -> None:
    both = "experiment=[dgpo/1.5b_dgpo,smollm2_smoke]"
    with pytest.raises(UserError, match=r"trainer\.experiment_name="):
        resolved(composed(both, "scale=tiny"))
    resolved(composed(both, "scale=tiny", "trainer.experiment_name=both"))


# The smallest real experiments (recipes.reproduce names them)


@pytest.mark.parametrize("name", SMALL)
def test_a_small_experiment_composes_for_one_node(composed, name: str) -> None:
    """Every check before Ray but for the files: data comes from a command that the header names."""
    config = resolved(composed(f"experiment={name}", "policy_loss=maspo"))
    config_checks.check_config(config)
    assert config.trainer.nnodes == 1 and updates_per_rollout_batch(config) in (4, 16)
    assert config.trainer.experiment_name.endswith("-maspo-seed0")
    assert all(f"data={one}`" in text_of(name) for one in SMALL[name])
    prepared = {f"data/{one}/{split}.parquet" for one in SMALL[name] for split in ("train", "validation")}
    assert {config.data.train_files, config.data.val_files} <= prepared


def test_every_small_experiment_is_named_by_the_dry_run() -> None:
    files = {str(file.relative_to(FOLDER).with_suffix("")) for file in (FOLDER / "small").glob("*.yaml")}
    assert files == set(SMALL)


# DAPO's set-up


@pytest.mark.parametrize("size", ["1.5b", "7b"])
def test_dapo_is_clip_higher_with_dynamic_sampling_and_overlong_shaping(composed, size: str) -> None:
    config = checked(composed(f"experiment=dapo/{size}"))
    assert config.run_dir.endswith(f"/outputs/dapo/{size}-seed0")
    assert config.actor_rollout_ref.model.path.endswith(f"-Qwen-{size.upper()}")
    assert settings(config) == SETTINGS | HIGHER | {"actor_rollout_ref.actor.optim.lr_warmup_steps": 20}
    chosen, reward = config.algorithm.filter_groups, config.reward
    assert (chosen.enable, chosen.metric) == (True, "acc")
    assert (reward.reward_manager.name, reward.reward_kwargs.overlong_buffer_cfg.enable) == ("dapo", True)
    assert reward.custom_reward_function.reward_kwargs.scale == "plus_minus_one"


def test_dapo_at_the_tiny_scale_keeps_what_makes_it_dapo(composed) -> None:
    config = checked(composed("experiment=dapo/1.5b", "scale=tiny"))
    assert config.hardware.device == "cpu" and config.algorithm.filter_groups.enable
    buffer = config.reward.reward_kwargs
    assert buffer.max_resp_len == config.data.max_response_length > buffer.overlong_buffer_cfg.len > 0
