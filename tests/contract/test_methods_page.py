"""docs/methods.md names every method, and its tables of defaults say what the YAMLs ship."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from omegaconf import DictConfig, OmegaConf
from verl.utils.config import omega_conf_to_dataclass

from losses import metrics
from losses.surrogate import slope_and_sums
from recipes.common.paths import config_dir
from recipes.config.compose import compose
from recipes.plugin.methods import METHODS
from recipes.report.curves import illustration

pytestmark = pytest.mark.xdist_group("policy losses")  # composed by tests/configs/test_compose.py, too
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "methods.md"
TEXT = PAGE.read_text(encoding="utf-8")
YAMLS = {path.stem: path for path in sorted((config_dir() / "policy_loss").glob("*.yaml"))}
POLICY_LOSS = "actor_rollout_ref.actor.policy_loss"
NOT_DEFAULTS = {"_target_", "loss_mode"}
OVERVIEW_COLUMNS = ("policy_loss=", "paper", "w for Â > 0", "w for Â < 0", "defaults", "loss", "needs our trainer")


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def tables() -> Iterator[list[list[str]]]:
    """Header and rows of every table of the page."""
    for block in re.findall(r"(?:^\|.*\n)+", TEXT, flags=re.MULTILINE):
        header, _, *body = (cells(row) for row in block.splitlines())
        assert all(len(row) == len(header) for row in body), f"uneven table: {header}"
        yield [header, *body]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def full_key(key: str) -> str:
    """The key as the page shortens it → from the root of the config."""
    group = key.split(".")[0]
    if group in ("actor", "rollout"):
        return f"actor_rollout_ref.{key}"
    return key if "." in key else f"{POLICY_LOSS}.{key}"


def stated() -> dict[str, dict[str, Any]]:
    """Choice → key → default, as the page has it."""
    found: dict[str, dict[str, Any]] = {}
    for header, *body in tables():
        if header[0] != "key" or header[-1] != "from":
            continue
        for column, (choice,) in enumerate(map(names, header[1:-1]), start=1):
            for row in body:
                keys, values = names(row[0]), row[column].split(", ")
                assert len(keys) == len(values), row
                assert row[-1], f"{keys}: where does it come from?"
                found.setdefault(choice, {}).update(zip(map(full_key, keys), values, strict=True))
    return found


STATED = stated()


@pytest.fixture(scope="module")
def shipped() -> dict[str, DictConfig]:
    return {choice: compose([f"policy_loss={choice}"]) for choice in YAMLS}


def keys_set_by(choice: str) -> set[str]:
    """What a YAML and those it builds on (without base/common) set, from the root of the config."""
    text = YAMLS[choice].read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    inherited = [name for name in content.pop("defaults") if name in YAMLS]
    package = re.match(r"# @package (\S+)\n", text)[1]
    leaves = OmegaConf.create(content)
    prefix = "" if package == "_global_" else f"{package}."
    found = {prefix + key for key in flatten(leaves)}
    return found.union(*map(keys_set_by, inherited))


def flatten(node: DictConfig, prefix: str = "") -> Iterator[str]:
    for key, value in node._content.items():
        if isinstance(value, DictConfig):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def as_value(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell if cell.startswith("$") else yaml.safe_load(cell)


@pytest.mark.parametrize("choice", YAMLS)
def test_every_default_is_the_shipped_one(shipped, choice: str) -> None:
    assert choice in STATED, f"docs/methods.md has no table of defaults with a column `{choice}`"
    for key, cell in STATED[choice].items():
        parent, name = key.rsplit(".", 1)
        node = OmegaConf.select(shipped[choice], parent)
        assert name in node, f"{choice}: {key} is no key"
        value = node._get_node(name)._value()  # interpolations as they are written
        assert value == as_value(cell), f"{choice}: {key} is {value}, the page says {cell}"


@pytest.mark.parametrize("choice", YAMLS)
def test_no_key_of_a_yaml_is_left_out(choice: str) -> None:
    wanted = {key for key in keys_set_by(choice) if key.rsplit(".", 1)[1] not in NOT_DEFAULTS}
    assert wanted <= set(STATED[choice])


@pytest.mark.parametrize("choice", YAMLS)
def test_choice_file_and_papers_are_named(choice: str) -> None:
    assert f"`policy_loss={choice}`" in TEXT
    assert f"(../configs/policy_loss/{choice}.yaml)" in TEXT
    for number in re.findall(r"arXiv (\d{4}\.\d{5})", YAMLS[choice].read_text(encoding="utf-8")):
        assert f"https://arxiv.org/abs/{number}" in TEXT


def test_the_overview_holds_every_choice_and_says_whose_loss_trains(shipped) -> None:
    (overview,) = (table for table in tables() if table[0][0] == "`policy_loss=`")
    assert [column.strip("`") for column in overview[0]] == list(OVERVIEW_COLUMNS)
    loss = {choice: row[5] for row in overview[1:] for choice in names(row[0])}
    assert set(loss) == set(YAMLS) >= set(METHODS)
    for choice, config in shipped.items():
        method = omega_conf_to_dataclass(config.actor_rollout_ref.actor.policy_loss)
        assert loss[choice] == ("verl" if method.loss_mode == method.verl_loss else "ours"), choice
        needs = next(row[6] for row in overview[1:] if choice in names(row[0]))
        assert (needs == "yes") == bool(method.needs), choice


@pytest.mark.parametrize("choice", YAMLS)
def test_every_metric_is_described(shipped, choice: str) -> None:
    actor = omega_conf_to_dataclass(shipped[choice].actor_rollout_ref.actor)
    token = torch.ones(1, 1, dtype=torch.float64)
    _, sums = slope_and_sums(token, token, token, token, None, illustration(actor, token), actor)
    assert len(sums) >= 10
    for name in set(sums) - {metrics.COUNT}:
        assert f"`{re.sub('|'.join(metrics.BOUNDARY_CASES), '<case>', name)}`" in TEXT


def test_every_relative_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert len(links) > 60
    for link in links:
        assert link.startswith("https://") or (PAGE.parent / link).exists(), link
    headings = {
        re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", TEXT, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
