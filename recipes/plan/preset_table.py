"""The table of presets in docs/cluster.md: `python -m recipes.plan.preset_table` prints it.

One row per preset and model, from the composed configs and recipes.plan's formulas, so it can't say anything else; a
test compares the page with it.
"""

import re
from collections.abc import Iterator, Mapping

from omegaconf import DictConfig

from recipes.common.paths import config_dir
from recipes.config import hardware
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


def pairs() -> Iterator[tuple[str, str]]:
    """(preset, model) of everything that has sizes."""
    models = {file.stem for file in (config_dir() / "model").glob("*.yaml")} - {hardware.OWN_MODEL}
    for model in sorted(models, key=_by_size):
        for preset in hardware.presets(model):
            yield preset, model


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
    run, actor, rollout = sizes.of(plain), plain.actor_rollout_ref.actor, plain.actor_rollout_ref.rollout
    copies = run.gpus // run.shards
    sharded = f"{run.shards}, {copies} copies" if copies > 1 else str(run.shards)
    cells = (
        f"`{preset}`",
        f"`{model}`",
        sharded if run.gpus > 1 else "–",
        "while generating" if actor.fsdp_config.param_offload else "–",
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


def main() -> None:
    """Print the table."""
    from recipes.config import compose

    methods = (PLAIN, ENTROPY)
    configs = {
        (*pair, name): compose.resolved(compose.compose(overrides(*pair, name))) for pair in pairs() for name in methods
    }
    print("\n".join(table(configs)))


if __name__ == "__main__":
    main()
