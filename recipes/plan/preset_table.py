"""The tables of presets in docs/cluster.md and docs/own-model.md: `python -m recipes.plan.preset_table` prints them.

From the composed configs and recipes.plan's formulas, so they can't say anything else; tests compare the pages with
them. The first has a row per preset and model of the papers, the second a row per model that somebody else may train.
"""

import re
from collections.abc import Iterator, Mapping

from omegaconf import DictConfig, OmegaConf

from recipes.common.paths import config_dir
from recipes.config import compose, hardware
from recipes.config.hardware import GIB
from recipes.inputs import architecture
from recipes.plan import memory, sizes

COLUMNS = (
    "`hardware=`",
    "`model=`",
    "sharded over",
    "offloaded",
    "TP, share of vLLM",
    "Ulysses",
    "tokens: update, log-probs",
    "planned peak, GiB",
    "with entropy in the update",
)
PLAIN, ENTROPY = "dgpo", "entropy_adv"  # the two kinds of method that differ in memory
EXPERIMENTS = ("deepseek-r1-distill-qwen-", "smollm2-")  # models of configs/experiment


def pairs() -> Iterator[tuple[str, str]]:
    """(preset, model) of every model of an experiment that has sizes."""
    for model in models():
        if model.startswith(EXPERIMENTS):
            for preset in hardware.presets(model):
                yield preset, model


def models() -> list[str]:
    """Choices of `model=` but that for a model of one's own, by name and size."""
    found = {file.stem for file in (config_dir() / "model").glob("*.yaml")} - {hardware.OWN_MODEL}
    return sorted(found, key=_by_size)


def other_models() -> list[str]:
    """Those of no experiment that have sizes on GPUs."""
    return [model for model in models() if hardware.presets(model) and not model.startswith(EXPERIMENTS)]


def on_preset(config: DictConfig, preset: str, model: str) -> DictConfig:
    """A config composed for one preset of one node as it would be for another, resolved: composing takes half a second.

    Args:
        config: not resolved.
        preset: of one node.
        model: of the config; the preset has sizes for it.
    """
    folder = config_dir() / "hardware"
    file = OmegaConf.load(folder / f"{preset}.yaml")
    sizes_ = hardware.sizes_in(folder / hardware.sizes_folder(preset) / f"{model}.yaml")
    own = {"hardware": {"preset": preset, **file.hardware}, "trainer": file.trainer}
    merged = OmegaConf.merge(config, sizes_, own)
    assert isinstance(merged, DictConfig)
    return compose.resolved(merged)


def _by_size(name: str) -> list[str | float]:
    """1.5b before 7b before 14b."""
    return [float(part) if part[:1].isdigit() else part for part in re.split(r"(\d+\.?\d*)", name)]


def overrides(preset: str, model: str, method: str) -> tuple[str, ...]:
    """The training that a row stands for: the papers' batch and lengths."""
    return f"hardware={preset}", f"model={model}", "data=dapo_math_17k", f"policy_loss={method}"


def _peak(config: DictConfig) -> str:
    gpu = hardware.find(config.hardware.gpu)
    top = memory.peak(architecture.of(config), gpu, sizes.of(config))
    return f"{top.low / GIB:.0f}–{top.high / GIB:.0f} of {gpu.memory_gib:.0f}"


def row(preset: str, model: str, plain: DictConfig, entropy: DictConfig) -> str:
    """A line of the table.

    Args:
        preset, model: the choices.
        plain, entropy: resolved configs without and with the entropy in the update.
    """
    run, rollout = sizes.of(plain), plain.actor_rollout_ref.rollout
    copies = run.gpus // run.shards
    sharded = f"{run.shards}, {copies} copies" if copies > 1 else str(run.shards)
    cells = (
        f"`{preset}`",
        f"`{model}`",
        sharded if run.gpus > 1 else "–",
        "always" if run.offload_policy else "while generating" if run.param_offload else "–",
        f"{rollout.tensor_model_parallel_size}, {rollout.gpu_memory_utilization}",
        str(run.ulysses) if run.ulysses > 1 else "–",
        f"{run.update_tokens:,}, {run.log_prob_tokens:,}",
        _peak(plain),
        _peak(entropy),
    )
    return "| " + " | ".join(cells) + " |"


def table(configs: Mapping[tuple[str, str, str], DictConfig]) -> list[str]:
    """The lines of the table, from resolved configs by (preset, model, method)."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    return lines + [row(*pair, configs[(*pair, PLAIN)], configs[(*pair, ENTROPY)]) for pair in pairs()]


def grid(configs: Mapping[tuple[str, str], DictConfig]) -> list[str]:
    """The lines of the table of other models: parameters, and for every preset of one node the planned peak.

    Args:
        configs: resolved, by each of `one_node`'s (model, preset).
    """
    presets = dict.fromkeys(preset for _, preset in one_node())
    columns = sorted(presets, key=lambda name: (name[0], int(name.split("x")[1].removesuffix("gb"))))
    lines = ["| `model=` | parameters | " + " | ".join(f"`{name}`" for name in columns) + " |"]
    lines.append("|" + "---|" * (len(columns) + 2))
    for model in other_models():
        found = [configs.get((model, preset)) for preset in columns]
        parameters = next(architecture.of(config).parameters for config in found if config is not None)
        lines.append(f"| `{model}` | {parameters / 1e9:.2f}B | " + " | ".join(map(_cell, found)) + " |")
    return lines


def one_node() -> Iterator[tuple[str, str]]:
    """(model, preset) of the models of no experiment, on presets of one node."""
    for model in other_models():
        yield from ((model, preset) for preset in hardware.presets(model) if preset.count("x") == 1)


def on_one_node() -> dict[tuple[str, str], DictConfig]:
    """What `grid` needs; each resolved right after it was composed, for names of choices are those of the last one."""
    return {
        (model, preset): on_preset(compose.compose(overrides("8x80gb", model, PLAIN)), preset, model)
        for model, preset in one_node()
    }


def _cell(config: DictConfig | None) -> str:
    if config is None:
        return "–"
    on_cpu = config.actor_rollout_ref.actor.fsdp_config.offload_policy
    peak = memory.peak(architecture.of(config), hardware.find(config.hardware.gpu), sizes.of(config)).high
    return f"{peak / GIB:.0f}" + " (CPU)" * on_cpu


def main() -> None:
    """Print the tables."""
    configs = {
        (*pair, name): compose.resolved(compose.compose(overrides(*pair, name)))
        for pair in pairs()
        for name in (PLAIN, ENTROPY)
    }
    print("\n".join(table(configs)))
    print()
    print("\n".join(grid(on_one_node())))


if __name__ == "__main__":
    main()
