"""The GPUs of every node: count, memory, driver."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.config import hardware
from recipes.doctor.finding import Finding, failure, ok, warning
from recipes.doctor.node_checks import Case
from recipes.inputs import architecture
from recipes.plan import advice
from recipes.plan import sizes as setup

NAME = "GPUs"
GIB = 2**30
# Share of a GPU's memory that an idle driver takes: more is another process.
IDLE = 0.05


def judge(case: Case, built_for: str | None) -> list[Finding]:
    """One node.

    Args:
        case: the node.
        built_for: CUDA version of the torch build, as "13.0"; None for one without CUDA.
    """
    where, graphics = case.node.name, case.report.graphics
    if case.config.hardware.device == "cpu":
        return [ok(NAME, f"{case.node.gpus} logical (hardware=cpu)", where)]
    if not case.node.gpus:
        return [ok(NAME, "none; Ray places no worker here", where)]
    if graphics.problem:
        cure = "Install NVIDIA's driver, and nvidia-ml-py with `bash scripts/setup.sh gpu`."
        return [warning(NAME, f"memory and driver unknown: {graphics.problem}", cure, where)]
    findings = [
        *_driver(graphics.driver, graphics.cuda, built_for, where),
        *_memory(case),
        *_occupied(case),
    ]
    cards = Counter(f"{card.name}, {card.memory / GIB:.1f} GiB" for card in graphics.cards)
    names = "; ".join(f"{count} × {card}" for card, count in cards.items())
    return findings or [ok(NAME, f"{names}; driver {graphics.driver}", where)]


def _driver(driver: str, cuda: tuple[int, int], built_for: str | None, where: str) -> list[Finding]:
    """CUDA runs a newer minor version on an older driver of the same major version, and no newer major one."""
    if built_for is None or int(built_for.split(".")[0]) <= cuda[0]:
        return []
    what = f"driver {driver} serves CUDA {cuda[0]}.{cuda[1]}, this torch is built for {built_for}"
    return [failure(NAME, what, f"Install a driver for CUDA {built_for.split('.')[0]} on that node.", where)]


def _memory(case: Case) -> list[Finding]:
    """The plan's verdict on the smallest GPU of the node."""
    least = min(card.memory for card in case.report.graphics.cards)
    verdict = plan_verdict(case.config, least)
    if verdict in (None, advice.FITS):
        return []
    what = f"by the plan, the training {verdict} into {least / GIB:.1f} GiB per GPU"
    cure = "`python -m recipes.plan` with the same overrides says what takes the memory and which override cures it."
    return [warning(NAME, what, cure, case.node.name)]


def plan_verdict(config: DictConfig, memory: int) -> str | None:
    """What recipes.plan says of GPUs with `memory` bytes; None where it has no formula for the model."""
    try:
        model, sizes = architecture.of(config), setup.of(config)
    except UserError:  # no formula for it: no verdict, and no fault of the cluster's
        return None
    # Of the plan's GPU only the memory enters the verdict.
    return advice.verdict(model, replace(hardware.find("h100"), memory_gib=memory / GIB), sizes)


def _occupied(case: Case) -> list[Finding]:
    taken = [
        f"GPU {index} {card.used / GIB:.1f} GiB"
        for index, card in enumerate(case.report.graphics.cards)
        if card.used > IDLE * card.memory
    ]
    if not taken:
        return []
    cure = "See `nvidia-smi` on that node; vLLM counts what others hold and may refuse to start."
    return [warning(NAME, f"memory taken by other processes: {', '.join(taken)}", cure, case.node.name)]


def compare(cases: Sequence[Case]) -> list[Finding]:
    """Drivers and kinds of GPU that differ between nodes."""
    kinds: dict[str, list[str]] = {}
    for case in cases:
        if case.report.graphics.cards and case.node.gpus:
            graphics = case.report.graphics
            kinds.setdefault(f"{graphics.cards[0].name}, driver {graphics.driver}", []).append(case.node.name)
    if len(kinds) < 2:
        return []
    what = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
    return [warning(NAME, f"nodes differ: {what}", "Use nodes of one kind: the slowest sets the pace.", "cluster")]
