"""What one file knows, no other file spells again."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipes.common.files import lock_beside
from recipes.runs import metrics
from recipes.runs.checkpoints import Checkpoints
from recipes.runs.evaluation_folder import EvaluationFolder
from recipes.runs.metrics import CATALOGUE
from recipes.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
# Folders are published by a rename as well; these do it on purpose, with names of their own.
MAY_RENAME = {
    "recipes/common/files.py",
    "recipes/runs/checkpoints.py",  # a checkpoint
    "recipes/runs/run_folder.py",  # a run is moved aside
    "recipes/prepare_data/build.py",  # a data set takes the place of the one before
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in recipes/ and reward/, with where it stands."""
    for package in ("recipes", "reward"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield str(path.relative_to(ROOT)), node


def renames(call: ast.Call) -> bool:
    """Whether a call renames a file: `path.rename(other)`, `path.replace(other)`, `os.replace(one, other)`."""
    if not isinstance(call.func, ast.Attribute) or call.keywords:
        return False
    of_os = isinstance(call.func.value, ast.Name) and call.func.value.id in ("os", "shutil")
    names = ("rename", "replace", "renames", "move")
    return call.func.attr in names and (len(call.args) == 1 or of_os)  # str.replace takes two


def test_files_are_replaced_by_one_function() -> None:
    found = {where for where, call in calls() if renames(call)}
    assert found == MAY_RENAME, "write a file with recipes.common.files.write_atomically or new_file"


def test_a_rename_is_recognized() -> None:
    for text in ("partial.replace(file)", "partial.rename(file)", "os.replace(one, other)", "shutil.move(one, other)"):
        assert renames(ast.parse(text, mode="eval").body), text  # type: ignore[arg-type]
    for text in ("text.replace('a', 'b')", "dataclasses.replace(case, seed=1)", "frame.rename(columns={})"):
        assert not renames(ast.parse(text, mode="eval").body), text  # type: ignore[arg-type]


# These write into a folder that is not there before it is whole, append, or write for somebody outside recipes/.
MAY_WRITE = {
    "recipes/common/files.py",
    "recipes/common/console.py",  # a log, as it comes
    "recipes/train/progress.py",  # a line of it
    "recipes/launch/ray_node.py",  # likewise
    "recipes/evaluate/row_file.py",  # appends rows, and takes back half of one
    "recipes/prepare_data/build.py",  # into a new folder
    "recipes/prepare_data/dropped.py",
    "recipes/doctor/shared_folder.py",  # words by which nodes find each other, for a moment
    "reward/__main__.py",  # may not import recipes
}


def writes(call: ast.Call) -> bool:
    """Whether a call writes a file under its own name: `path.write_text(…)`, `open(path, "w")`, `savefig(path)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("write_text", "write_bytes", "savefig"):
        return True
    modes = [
        one.value for one in (*call.args, *(word.value for word in call.keywords)) if isinstance(one, ast.Constant)
    ]
    return name == "open" and any(
        isinstance(mode, str) and re.fullmatch("[rwxabt+]*[wxa+][bt+]*", mode) for mode in modes
    )


def test_files_are_written_by_one_function() -> None:
    found = {where for where, call in calls() if writes(call)}
    assert found == MAY_WRITE, "write a file with recipes.common.files.write_atomically, new_file or save_picture"


def test_a_write_is_recognized() -> None:
    for text in ("file.write_text(x)", "open(file, 'wb')", "file.open(mode='a')", "figure.savefig(file)"):
        assert writes(ast.parse(text, mode="eval").body), text  # type: ignore[arg-type]
    for text in ("file.read_text()", "open(file)", "file.open('rb')", "file.open(encoding='utf-8')", "out.write(x)"):
        assert not writes(ast.parse(text, mode="eval").body), text  # type: ignore[arg-type]


def test_the_name_of_a_metric_that_is_shown_is_spelled_in_the_catalogue_alone() -> None:
    """What makes metrics spells their names as well, in recipes/plugin; whoever reads them asks the catalogue."""
    owner = "recipes/runs/metrics.py"
    known = {metric for chart in CATALOGUE for metric in chart.metrics} | {
        metrics.LONGEST,
        metrics.SECONDS,
        metrics.TOKENS,
    }
    said = [
        f"{path.relative_to(ROOT)}:{string.lineno} {text_of(string)}"
        for folder in ("report", "runs", "train")
        for path in sorted((ROOT / "recipes" / folder).rglob("*.py"))
        for string in strings(ast.parse(path.read_text()))
        if str(path.relative_to(ROOT)) != owner and text_of(string) in known
    ]
    assert not said, f"{said}: ask {owner}"


# Names of files and folders, and the one file that spells them; {} stands for what a program puts there.
NAMES = {
    "recipes/runs/run_folder.py": r"config\.yaml|metrics\.jsonl|generations|checkpoints|train-.*",
    "recipes/runs/manifest.py": r"manifest\.json",
    "recipes/runs/checkpoints.py": r"global_step_.*|(row|complete|best)\.json|latest_checkpointed_iteration\.txt",
    "recipes/runs/evaluation_folder.py": (
        r"evaluations|identity\.json|samples\.jsonl|(verdicts|results)-.*|evaluate\.log"
    ),
    "recipes/common/files.py": r"\.\{\}\.lock",
}


def strings(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Strings that a program uses: docstrings and the pieces of f-strings are none."""
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
        if isinstance(node, ast.Expr):
            inner.add(id(node.value))
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (is_text or isinstance(node, ast.JoinedStr)) and id(node) not in inner:
            yield node  # type: ignore[misc]


def text_of(string: ast.Constant | ast.JoinedStr) -> str:
    """The text, with {} for each value of an f-string."""
    if isinstance(string, ast.Constant):
        return str(string.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in string.values)


def names_in(text: str, names: str) -> bool:
    """Whether a path holds one of the names. A sentence, which holds a space, may speak of any."""
    return " " not in text and any(re.fullmatch(names, part) for part in text.split("/"))


@pytest.mark.parametrize("owner", NAMES)
def test_a_file_name_is_spelled_by_its_owner_alone(owner: str) -> None:
    said = [
        f"{path.relative_to(ROOT)}:{string.lineno} {text_of(string)}"
        for package in ("recipes", "benchmarks")
        for path in sorted((ROOT / package).rglob("*.py"))
        for string in strings(ast.parse(path.read_text()))
        if str(path.relative_to(ROOT)) != owner and names_in(text_of(string), NAMES[owner])
    ]
    assert not said, f"{said}: ask {owner}"
    assert any(names_in(text_of(one), NAMES[owner]) for one in strings(ast.parse((ROOT / owner).read_text())))


def test_a_file_name_is_recognized() -> None:
    names = "|".join(NAMES.values())
    for text in (
        "run / 'metrics.jsonl'",
        "x = f'{run}/*/metrics.jsonl'",
        "g(f'global_step_{n}')",
        "x = f'.{name}.lock'",
    ):
        assert any(names_in(text_of(one), names) for one in strings(ast.parse(text))), text
    for text in (
        "x = f'{run}/metrics.jsonl is missing'",
        "'metrics.jsonl'",
        "x = f'{kind}.lock'",
        "x = 'my-metrics.jsonl'",
    ):
        assert not any(names_in(text_of(one), names) for one in strings(ast.parse(text))), text


def test_the_owners_say_what_is_on_disks(tmp_path: Path) -> None:
    """Folders of earlier versions are read by these names, and verl chose some of them."""
    run, evaluation = RunFolder(tmp_path / "dgpo" / "run"), EvaluationFolder.of(tmp_path, "dgpo-run-step5", "paper")
    assert (run.lock, lock_beside(run.path)) == (tmp_path / "dgpo" / ".run.lock",) * 2
    assert run.checkpoints == Checkpoints(run.path / "checkpoints")
    assert run.checkpoints.folder(5) == run.path / "checkpoints" / "global_step_5"
    assert run.checkpoint_name(5) == "dgpo-run-step5"
    assert run.responses("train") == run.path / "generations" / "train"
    names = (run.config, run.metrics, run.manifest.path, run.tensorboard)
    assert [path.name for path in names] == ["config.yaml", "metrics.jsonl", "manifest.json", "tensorboard"]
    assert evaluation.path == tmp_path / "evaluations" / "dgpo-run-step5-paper"
    files = (evaluation.samples, evaluation.verdicts("ours"), evaluation.results(), evaluation.identity)
    assert [file.name for file in files] == [
        *("samples.jsonl", "verdicts-ours.jsonl", "results-ours.json", "identity.json")
    ]
