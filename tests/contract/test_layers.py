"""The house: which folder may import which. Every import counts, those inside functions too.

A room is a folder of ours, or a module beside the folders of `recipes/`; a command's `__main__` where it may import
more than the rest of its folder. It may import rooms of lower floors only, and of those only the ones its rule names;
so there are no arrows upwards and no circles.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dgpo", "maspo", "losses", "reward", "recipes")

METHODS = {"losses", "losses.baselines", "dgpo", "maspo"}
SHARED = {"recipes.common", "recipes.inputs", "recipes.runs", "recipes.config", "recipes.plugin", *METHODS, "reward"}
# Room → what it may import. The order is that of the floors; a room's floor follows from what it may import.
MAY_IMPORT: dict[str, set[str]] = {
    "losses": set(),
    "reward": set(),
    "recipes.common": set(),
    "losses.baselines": {"losses"},
    "dgpo": {"losses"},
    "maspo": {"losses"},
    "recipes.inputs": {"recipes.common", "reward"},
    "recipes.runs": {"recipes.common"},
    "recipes.config": {"recipes.inputs", "recipes.common"},
    "recipes.plugin": {"recipes.runs", "recipes.common", "reward", *METHODS},
    "recipes.merge": {"recipes.inputs", "recipes.common"},
    "recipes.checks": SHARED - METHODS | {"losses"},
    "recipes.launch": SHARED,
    "recipes.plan": SHARED,
    "recipes.prepare_data": SHARED,
    "recipes.report": SHARED,
    "recipes.study": SHARED,
    "recipes.doctor": {"recipes.checks", "recipes.plan", "recipes.launch", *SHARED},
    "recipes.evaluate": {"recipes.checks", *SHARED},
    "recipes.plan.__main__": {"recipes.plan", "recipes.checks", *SHARED},  # the doctor wants the formulas alone
    "recipes.reproduce": {"recipes.report", "recipes.plan", "recipes.checks", *SHARED},
    "recipes.train": {"recipes.doctor", "recipes.report", "recipes.checks", *SHARED},
}
# The same inside reward/. Two of its files are what everything there speaks of; the other files are what others import.
INSIDE_REWARD: dict[str, set[str]] = {
    "reward.task": set(),
    "reward.verdict": set(),
    "reward.parser": set(),
    "reward.equivalence": {"reward.parser", "reward.task"},
    "reward.processes": {"reward.equivalence", "reward.task", "reward.verdict"},
    "reward": {"reward.equivalence", "reward.processes", "reward.task", "reward.verdict"},
}
MOST_ROOMS, MOST_FLOORS = 22, 6
# Rooms that may use one module of another only.
ONLY = {
    ("recipes.inputs", "reward"): {"reward.extraction"},
    ("recipes.plugin", "reward"): {"reward.verdict"},
}
FORBIDDEN_LIBRARIES = {
    "reward": {"verl", "torch", "omegaconf", "ray", "hydra"},
    # A method is torch and nothing else: it is drawn, timed and used with other trainers without verl.
    **{room: {"verl", "ray", "vllm", "transformers", "hydra", "omegaconf"} for room in ("dgpo", "maspo", "losses")},
    "recipes/common": {"torch", "vllm"},
}


VERLS = {"losses.estimators"}  # GRPO's advantage is verl's own function


@dataclass(frozen=True)
class Import:
    """One imported module, where it stands, and who imports it."""

    where: str
    importer: str
    imported: str


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(importer: str, path: Path) -> Iterator[Import]:
    """What a file imports, anywhere in it; `from a import b` is a.b where that is a module of ours."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules() else node.module for name in whole]
        for name in dict.fromkeys(names):
            yield Import(f"{path.relative_to(ROOT)}:{node.lineno}", importer, name)  # type: ignore[attr-defined]


@cache
def ours() -> tuple[Import, ...]:
    """All imports of our modules by our modules."""
    everything = (one for name, path in modules().items() for one in imports(name, path))
    return tuple(one for one in everything if one.imported.split(".")[0] in PACKAGES)


def room_of(module: str, rules: dict[str, set[str]]) -> str:
    """The longest room that holds a module."""
    fitting = [room for room in rules if module == room or module.startswith(room + ".")]
    return max(fitting, key=len, default=module)


def arrows(rules: dict[str, set[str]], found: Iterable[Import]) -> list[tuple[Import, str, str]]:
    """Imports that leave their room, with both rooms."""
    rooms = [(one, room_of(one.importer, rules), room_of(one.imported, rules)) for one in found]
    return [(one, here, there) for one, here, there in rooms if here != there and here in rules and there in rules]


def violations(rules: dict[str, set[str]], found: Iterable[Import]) -> list[str]:
    """A sentence for each import that its room's rule does not name."""
    return [
        f"{one.where} imports {one.imported}: {here} may import {', '.join(sorted(rules[here])) or 'nothing of ours'}"
        for one, here, there in arrows(rules, found)
        if there not in rules[here]
    ]


def floors(rules: dict[str, set[str]]) -> dict[str, int]:
    """Floor of each room: one above the highest that it may import; their order proves that there is no circle."""
    height: dict[str, int] = {}
    for room, allowed in rules.items():
        missing = allowed - height.keys()
        assert not missing, f"the rules let {room} import {', '.join(sorted(missing))}, which is not below it"
        height[room] = 1 + max((height[other] for other in allowed), default=0)
    return height


@pytest.mark.parametrize("rules", [MAY_IMPORT, INSIDE_REWARD], ids=["house", "reward"])
def test_imports_point_downwards_to_what_the_rule_names(rules: dict[str, set[str]]) -> None:
    wrong = violations(rules, ours())
    assert floors(rules) and not wrong, "\n".join(wrong)


def test_a_violation_names_the_line_and_the_rule() -> None:
    upwards = Import("recipes/plugin/trainer.py:7", "recipes.plugin.trainer", "recipes.checks.values")
    (said,) = violations(MAY_IMPORT, [upwards])
    assert said.startswith(
        "recipes/plugin/trainer.py:7 imports recipes.checks.values: recipes.plugin may import dgpo, "
    )
    sideways = Import("reward/parser/text.py:1", "reward.parser.text", "reward.equivalence.tiers")
    assert violations(INSIDE_REWARD, [sideways]) == [
        "reward/parser/text.py:1 imports reward.equivalence.tiers: reward.parser may import nothing of ours"
    ]
    with pytest.raises(AssertionError, match="the rules let losses import dgpo, which is not below it"):
        floors({"losses": {"dgpo"}, "dgpo": {"losses"}})


def test_every_module_stands_in_a_room() -> None:
    lost = [
        str(path.relative_to(ROOT)) for name, path in modules().items() if room_of(name, MAY_IMPORT) not in MAY_IMPORT
    ]
    assert lost == ["recipes/__init__.py"], f"no rule of tests/contract/test_layers.py holds {lost}"


def test_the_house_stays_small() -> None:
    count, height = len(MAY_IMPORT), max(floors(MAY_IMPORT).values())
    lines = {(here, there) for _, here, there in arrows(MAY_IMPORT, ours())}
    print(f"{count} rooms, {height} floors, {len(lines)} arrows")
    assert count <= MOST_ROOMS and height <= MOST_FLOORS


def test_a_room_uses_no_more_of_another_than_it_must() -> None:
    wrong = [
        f"{one.where} imports {one.imported}: {here} may import {', '.join(ONLY[here, there])} of {there}"
        for one, here, there in arrows(MAY_IMPORT, ours())
        if (here, there) in ONLY and one.imported not in ONLY[here, there]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_command_is_imported_by_its_main() -> None:
    wrong = [f"{one.where} imports {one.imported}" for one in ours() if one.imported.endswith("__main__")]
    assert not wrong, f"{wrong}: a command is run; what others need of it stands in a module of its own"


def test_the_plugin_begins_empty() -> None:
    """worker_check looks for recipes.plugin.register in sys.modules: an eager __init__ would make that always true."""
    for folder in ("recipes/plugin", "recipes/plugin/rollout", "recipes/plugin/cpu"):
        assert len(ast.parse((ROOT / folder / "__init__.py").read_text()).body) == 1, (
            f"{folder}/__init__.py: docstring only"
        )


def test_every_folder_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT)) for path in modules().values() if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent, f"no docstring: {silent}"


@pytest.mark.parametrize("prefix", FORBIDDEN_LIBRARIES)
def test_no_forbidden_library(prefix: str) -> None:
    wrong = [
        f"{one.where} imports {one.imported}"
        for name, path in modules().items()
        if str(path.relative_to(ROOT)) == prefix or str(path.relative_to(ROOT)).startswith(prefix + "/")
        for one in imports(name, path)
        if one.imported.split(".")[0] in FORBIDDEN_LIBRARIES[prefix] and name not in VERLS
    ]
    assert not wrong, "\n".join(wrong)
