"""docs/troubleshooting.md: its overrides compose and pass the checks, its metrics and messages exist in the sources."""

import functools
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from recipes.checks import config as config_checks
from recipes.config import compose
from recipes.config.compose import resolved

ROOT = Path(__file__).resolve().parents[2]
SPANS = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", (ROOT / "docs" / "troubleshooting.md").read_text())
BASE = "experiment=dgpo/7b_dgpo"

# `key=value`, or several; variables of the environment are in capitals
OVERRIDES = [span for span in SPANS if re.fullmatch(r"\+?[a-z][\w.]*=[^<= ]+( \+?[a-z][\w.]*=[^<= ]+)*", span)]
NOT_FOR_THE_BASE = {"seed=0,1,2"}  # shown as a mistake
METRICS = [span for span in SPANS if re.fullmatch(r"[a-z_]+(/[a-z0-9_]+)+", span)]
# What a person sees: words, or a name in a log; no command, path or override
MESSAGES = [
    span
    for span in SPANS
    if re.fullmatch(r"[\w&./()',]+( [\w&.:/()',]+)+|[A-Z]\w+Head", span)
    and not span.startswith(("python ", "bash ", "pip ", "chmod ", "py-spy ", "generations/", "scripts/"))
]
# Written in C++ or by the operating system: PyTorch's ProcessGroupNCCL.cpp and CUDACachingAllocator.cpp, errno, dlopen
ELSEWHERE = {
    "Watchdog caught collective operation timeout",
    "torch.OutOfMemoryError: CUDA out of memory",
    "No space left on device",
    "undefined symbol",
}


def sources() -> list[Path]:
    """Python files of this project, and of verl where messages and metrics come from."""
    verl = Path(str(find_spec("verl").submodule_search_locations[0]))  # type: ignore[union-attr,index]
    folders = [ROOT / "recipes", ROOT / "losses", ROOT / "reward", verl / "trainer", verl / "workers", verl / "utils"]
    folders += [verl / "experimental" / "agent_loop", verl / "single_controller"]
    return [file for folder in folders for file in folder.rglob("*.py")]


@functools.cache
def text_of_sources() -> str:
    return "\n".join(file.read_text(errors="replace") for file in sources())


@functools.cache
def names() -> tuple[frozenset[str], frozenset[str]]:
    """Literals with a slash (an f-string's fields as {}), and words that could fill those fields."""
    literals = re.findall(r"""["']([A-Za-z0-9_/@{}.\[\]]+)["']""", text_of_sources())
    slashed = {re.sub(r"\{[^}]*\}", "{}", literal) for literal in literals if "/" in literal}
    return frozenset(slashed), frozenset(literal for literal in literals if "/" not in literal)


def is_metric(name: str) -> bool:
    """Whether some literal is this name, or becomes it when a known word fills its last field; verl adds `actor/`."""
    slashed, words = names()
    head, _, last = name.rpartition("/")
    return name in slashed or (f"{head}/{{}}" in slashed and last in words) or name.removeprefix("actor/") in slashed


def test_the_page_is_read() -> None:
    """A pattern that finds nothing would make the tests below pass."""
    assert len(set(OVERRIDES)) >= 50 and len(set(METRICS)) >= 20 and len(set(MESSAGES)) >= 30
    assert not is_metric("actor/entropi") and not is_metric("reward/status/fine") and not is_metric("rollout_corr/kll")


@pytest.mark.parametrize("span", sorted(set(OVERRIDES) - NOT_FOR_THE_BASE))
def test_an_override_composes_and_passes_the_checks(composed, span: str) -> None:
    words = span.split()
    # Rungs are read one after the other: the later one of a key counts.
    config_checks.check_config(resolved(composed(BASE, *words)))


@pytest.mark.parametrize("metric", sorted(set(METRICS)))
def test_a_metric_exists(metric: str) -> None:
    assert is_metric(metric), f"neither verl 0.9.1 nor this project writes {metric}"


@functools.cache
def flat_sources() -> str:
    """Sources in which strings that go on in the next line are one."""
    text = text_of_sources()
    for package in ("vllm/v1/core/kv_cache_utils.py", "vllm/v1/worker/utils.py", "ray/autoscaler/v2/event_logger.py"):
        name, _, rest = package.partition("/")
        spec = find_spec(name)
        if spec is not None:
            text += (Path(str(spec.submodule_search_locations[0])) / rest).read_text()  # type: ignore[index]
    return re.sub(r"""["']\s*\n\s*f?["']""", "", text)


@pytest.mark.parametrize("message", sorted(set(MESSAGES) - ELSEWHERE))
def test_a_message_exists(message: str) -> None:
    assert message in flat_sources(), "nothing prints this"


def test_what_is_a_mistake_is_one() -> None:
    for words in NOT_FOR_THE_BASE:
        with pytest.raises(Exception, match="several values"):
            compose.compose([words])


@pytest.mark.parametrize("page", ["README.md", "docs/cluster.md"])
def test_it_is_linked(page: str) -> None:
    assert "troubleshooting.md" in (ROOT / page).read_text()
