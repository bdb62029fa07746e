"""docs/architecture.md says what is so: its picture is that of the imports, what its stories and tables name exists, in
verl as it is installed too, and every file of the plug-in has its row.
"""

import ast
import re
from dataclasses import dataclass

import house_picture
import pytest
from places import THEIRS, mentioned, place, tree
from test_layers import ROOT, imports, modules

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# verl  ··v1/trainer_base.PPOTrainer.fit (as trainer)   what it does there
LINE = re.compile(r"^(ours|verl|vllm)  ( *)(\S+)(?: \(as (\w+)\))?(?: {2,}(\S.*))?$")
SEAMS = "## What we rely on in verl and vLLM"
NAME = re.compile(r"`((?:[\w-]+/)+\w+(?:\.\w+)+)`")  # with a slash: a file's


@dataclass(frozen=True)
class Call:
    """One line of a story.

    Attributes:
        story: the heading that it stands under.
        owner: whose code it is.
        name: of a function.
        caller: the line above that is less far to the right; empty for the first.
        alias: what the caller calls it.
    """

    story: str
    owner: str
    name: str
    caller: str
    alias: str


def stories() -> list[Call]:
    """The lines of all stories."""
    calls = []
    for story, block in re.findall(r"^## (The story of [^\n]+)\n.*?^```text\n(.*?)^```$", TEXT, re.M | re.S):
        above: list[tuple[int, str]] = []
        for line in block.splitlines():
            found = LINE.match(line)
            assert found, f"{story}: {line!r} is no line of a story"
            owner, indent, name, alias, _ = found.groups()
            while above and above[-1][0] >= len(indent):
                above.pop()
            calls.append(Call(story, owner, name, above[-1][1] if above else "", alias or ""))
            above.append((len(indent), name))
    return calls


STORIES = stories()


def test_the_picture_is_that_of_the_imports() -> None:
    assert house_picture.PICTURE.read_text(encoding="utf-8") == house_picture.drawn(), (
        "docs/images/house.svg is out of date: run `.venv/bin/python tests/contract/house_picture.py`, and look at it"
    )
    assert "](images/house.svg)" in TEXT


def test_four_stories_are_told() -> None:
    told = [call.story for call in STORIES]
    assert len(set(told)) == 4 and min(map(told.count, set(told))) > 8


@pytest.mark.parametrize("call", STORIES, ids=lambda call: f"{call.story[13:25]}-{call.name}")
def test_a_line_of_a_story_is_true(call: Call) -> None:
    assert place(call.name).owner == call.owner, f"{call.name} stands in {place(call.name).file}"
    if not call.caller:
        return
    *_, before, last = re.split(r"[./]", call.name)
    called = call.alias or (before if last in ("__init__", "__call__") else last)
    assert called in mentioned(call.caller), f"{call.caller} no longer calls {called}: tell {call.story} as it is now"


def seams() -> list[list[str]]:
    """The rows of the table of seams: files of ours, what they do, what they rely on, tests."""
    section = TEXT.partition(SEAMS)[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if line[:1] == "|"
    ]
    return [row for row in rows if "](../" in row[0]]


def test_every_file_of_the_plugin_and_all_that_import_verl_have_a_row() -> None:
    named = [name for row in seams() for name in re.findall(r"\]\(\.\./([^)]+)\)", row[0])]
    assert len(named) == len(set(named)) and all((ROOT / name).is_file() for name in named)
    plugin = {str(path.relative_to(ROOT)) for path in (ROOT / "recipes" / "plugin").rglob("*.py")}
    importers = {
        str(path.relative_to(ROOT))
        for module, path in modules().items()
        for one in imports(module, path)
        if one.imported.partition(".")[0] in THEIRS
    }
    missing = {name for name in plugin | importers if not name.endswith("__init__.py")} - set(named)
    assert not missing, f"docs/architecture.md: {SEAMS[3:]} lacks a row for {sorted(missing)}"


@pytest.mark.parametrize("row", seams(), ids=lambda row: re.sub(r"\W.*", "", row[0].strip("[`")))
def test_a_row_names_what_is_there(row: list[str]) -> None:
    assert len(row) == 4, row
    for name in NAME.findall(row[2]):
        assert place(name).owner != "ours", name
    tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row[3])
    assert tests, f"no test notices: {row[0]}"
    for file, test in tests:
        assert (ROOT / file).is_file(), file
        defined = {node.name for node in ast.walk(tree(ROOT / file)) if isinstance(node, ast.FunctionDef)}
        assert not test or test in defined, f"{file} has no {test}"


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:configs|losses|recipes|reward|tests)/[\w./-]+\.\w+)`", TEXT)
    assert len(named) > 30 and not {name for name in named if not (ROOT / name).is_file()}


def test_a_false_line_would_be_found() -> None:
    with pytest.raises(AssertionError, match="no such thing"):
        place("v1/trainer_base.PPOTrainer.fitt")
    with pytest.raises(AssertionError, match="may be in any of"):
        place("__main__.main")
    assert "fit" in mentioned("main_ppo.TaskRunnerV1.run") and "step" not in mentioned("main_ppo.TaskRunnerV1.run")
