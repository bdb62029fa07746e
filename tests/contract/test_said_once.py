"""What one file knows, no other file spells again."""

import ast
from collections.abc import Iterator
from pathlib import Path

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
