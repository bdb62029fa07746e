"""What an open project has beside its code: GitHub, pre-commit and editors can read it, and it tells the truth."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
VERSION = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)[0]
PROJECT_FILES = [
    *FORMS,
    *WORKFLOWS,
    *(
        ROOT / name
        for name in (".editorconfig", ".pre-commit-config.yaml", "CHANGELOG.md", "CITATION.cff", "SECURITY.md")
    ),
]


def read(path: str | Path) -> dict[Any, Any]:
    """A YAML file that holds a mapping; `on` of a workflow is the key True, as YAML 1.1 has it."""
    content = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_the_citation_is_complete_and_of_this_version() -> None:
    citation = read("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # what CFF 1.2.0 asks for
    assert str(citation["cff-version"]) == "1.2.0" and str(citation["version"]) == VERSION
    cited = [citation, *citation["references"]]
    assert len(cited) > 3
    for work in cited:
        assert work["title"] and work["type"]
        assert all(author.keys() <= {"family-names", "given-names", "name"} for author in work["authors"])
    identifiers = re.findall(r"arXiv:(\d{4}\.\d{5})", (ROOT / "CITATION.cff").read_text())
    readme = (ROOT / "README.md").read_text()
    assert len(identifiers) == 3 and all(number in readme for number in identifiers[:2])  # the two papers


def test_the_changelog_begins_with_this_version_or_the_next() -> None:
    headings = re.findall(r"^## (\d+\.\d+\.\d+) \(([^)]+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    numbers = [tuple(map(int, number.split("."))) for number, _ in headings]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) > 1
    newest, when = headings[0]
    assert (when == "unreleased") == (newest != VERSION) and VERSION in dict(headings)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for number, date in headings if number != newest)


def hooks() -> dict[str, dict[str, Any]]:
    (repository,) = read(".pre-commit-config.yaml")["repos"]  # local: nothing is downloaded
    assert repository["repo"] == "local"
    return {hook["id"]: hook for hook in repository["hooks"]}


def test_the_hooks_are_what_ci_runs() -> None:
    """Style and types stand in scripts/test.sh, which .ci/run calls; shell scripts and Dockerfile in a test."""
    script = (ROOT / "scripts" / "test.sh").read_text()
    of_ci = re.findall(r"^(\.venv/bin/(?!python)[^&\n]*?)(?: & .*)?$", script, re.M)  # one beside other work
    of_files = [hook["entry"] for hook in hooks().values() if hook.get("pass_filenames") is False]
    assert len(of_ci) == 3 and of_files == of_ci
    assert "bash scripts/test.sh" in (ROOT / ".ci" / "run").read_text()
    tested = (ROOT / "tests" / "unit" / "launch" / "test_scripts.py").read_text()
    _, *options = shlex.split(hooks()["shellcheck"]["entry"])
    assert options and all(f'"{option}"' in tested for option in ["shellcheck", *options])
    assert "hadolint" in tested and hooks().keys() == {"ruff-check", "ruff-format", "mypy", "shellcheck", "hadolint"}


def test_pre_commit_understands_its_config() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_every_shell_script_is_hooked() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    shell = {name for name in listed if name.endswith((".sh", ".sbatch")) or name == ".ci/run"}
    assert len(shell) > 5 and shell == {name for name in listed if re.search(hooks()["shellcheck"]["files"], name)}


def test_workflows_call_what_a_person_calls() -> None:
    steps = {
        path.stem: [step.get("run", "") for job in read(path)["jobs"].values() for step in job["steps"]]
        for path in WORKFLOWS
    }
    assert steps.keys() == {"ci", "docs"}
    assert "bash .ci/run" in steps["ci"] and "bash scripts/docs.sh" in steps["docs"]
    for path in WORKFLOWS:
        workflow = read(path)
        assert True in workflow and workflow["permissions"] == {"contents": "read"}
        assert all("timeout-minutes" in job or "needs" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one(path: Path) -> None:
    form = read(path)
    assert {"name", "description", "body"} <= form.keys()
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    assert fields and all(part["type"] in ("input", "textarea", "dropdown", "checkboxes") for part in fields)
    ids = [part["id"] for part in fields]
    assert len(ids) == len(set(ids)) and all(part["attributes"]["label"] for part in fields)


def test_both_forms_require_the_manifest() -> None:
    assert {path.stem for path in FORMS} == {"bug", "result"}
    for path in FORMS:
        (manifest,) = [part for part in read(path)["body"] if part.get("id") == "manifest"]
        assert manifest["validations"]["required"] and "manifest.json" in manifest["attributes"]["label"]


@pytest.mark.parametrize("path", PROJECT_FILES, ids=lambda path: path.name)
def test_no_file_names_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(home|work|root|mnt|data|tmp/\w)|localhost|\b\d+\.\d+\.\d+\.\d+\b", text)


@pytest.mark.parametrize("path", PROJECT_FILES, ids=lambda path: path.name)
def test_paths_that_are_named_exist(path: Path) -> None:
    """`docs/…`, `scripts/…`, `recipes/…` and so on, wherever they stand."""
    folders = r"(?:docs|scripts|recipes|reward|losses|configs|requirements|\.ci)"
    for name in re.findall(rf"(?<![\w/.]){folders}/[\w./-]*\w", path.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), f"{path.name} names {name}"


REHEARSED = [
    shlex.split(line)[2:]
    for line in (ROOT / "scripts" / "rehearse_gpu_lock.sh").read_text().splitlines()
    if line.startswith("train ")
]


@pytest.mark.parametrize("words", REHEARSED, ids=" ".join)
def test_the_rehearsal_of_the_gpu_lock_selects_trainings_that_exist(words: list[str]) -> None:
    """A test that got another name would be left out without a word."""
    file, *names = words
    selection = ["-k", *names] if names else []
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not slurm", *selection]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    found = subprocess.run(
        [*command, f"tests/end_to_end/test_{file}.py"], cwd=ROOT, env=alone, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0 and f"test_{file}.py::" in found.stdout, found.stdout
