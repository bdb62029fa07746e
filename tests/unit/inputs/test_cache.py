"""A prepared folder is built once, found again, never mixed up with another, and never half done."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipes.common.files import new_folder
from recipes.inputs.cache import _sources, prepare, prepared_path

BUILDER = '''
import time
from pathlib import Path
from builders_for_tests.sizes import SIZE

def build(path, *, text="", seconds=0.0, fail=False):
    """Fill the folder in place, not atomically, and leave a line in the log."""
    with open(Path(__file__).with_name("log"), "a") as log:
        log.write(text + "\\n")
    Path(path).mkdir(exist_ok=True)
    (Path(path) / "half").write_text(text)
    time.sleep(seconds)
    if fail:
        raise OSError("disk on fire")
    (Path(path) / "whole").write_text(text * SIZE)
'''
ROOT = Path(__file__).parents[3]
TARGET = "builders_for_tests.text.build"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "source" / "builders_for_tests"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "sizes.py").write_text("SIZE = 2\n")
    (folder / "text.py").write_text(BUILDER)
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.setenv("RLVR_CACHE", str(tmp_path / "cache"))
    yield folder
    for name in [name for name in sys.modules if name.startswith("builders_for_tests")]:
        del sys.modules[name]


def builds(package: Path) -> int:
    return len((package / "log").read_text().splitlines()) if (package / "log").exists() else 0


def test_the_second_time_it_is_found(package: Path, tmp_path: Path) -> None:
    path = prepare(TARGET, {"text": "a"})
    assert path.parent == tmp_path / "cache" and path.name.startswith("builders_for_tests-text-")
    assert (path / "whole").read_text() == "aa"
    assert prepare(TARGET, {"text": "a"}) == path == prepared_path(TARGET, {"text": "a"})
    assert builds(package) == 1


def test_another_argument_is_another_folder(package: Path) -> None:
    paths = {prepare(TARGET, arguments) for arguments in ({}, {"text": "a"}, {"text": "b"})}
    assert len(paths) == 3 and builds(package) == 3


@pytest.mark.parametrize("file", ["text.py", "sizes.py"])
def test_another_source_is_another_folder(package: Path, file: str) -> None:
    before = prepared_path(TARGET, {})
    (package / file).write_text((package / file).read_text() + "\n# changed\n")
    assert prepared_path(TARGET, {}) != before


def test_a_model_depends_on_the_source_of_its_task() -> None:
    names = {file.name for file in _sources("recipes.inputs.tiny_model")}
    assert {"tiny_model.py", "arithmetic.py"} <= names


def test_a_module_without_a_package_stands_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lonely_builder.py").write_text("def build(path):\n    pass\n")
    (tmp_path / "other.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert _sources("lonely_builder") == [tmp_path / "lonely_builder.py"]


def test_asking_for_the_path_does_not_import_torch() -> None:
    code = (
        "import sys; from recipes.inputs.cache import prepared_path; "
        "prepared_path('recipes.inputs.tiny_model.build', {'seed': 0}); print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert out.stdout.strip() == "False"


def test_a_failed_build_leaves_nothing_and_can_be_tried_again(package: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(OSError, match="disk on fire"):
            prepare(TARGET, {"fail": True})
    assert builds(package) == 2
    assert not [entry for entry in (tmp_path / "cache").iterdir() if entry.is_dir()]


def test_what_a_killed_build_left_is_swept_up(package: Path, tmp_path: Path) -> None:
    path = prepared_path(TARGET, {})
    leftover = path.parent / f".{path.name}.deadbeef.partial"
    leftover.mkdir(parents=True)
    assert prepare(TARGET, {}) == path
    assert not leftover.exists()


def test_two_at_once_build_once(package: Path) -> None:
    code = f"from recipes.inputs.cache import prepare; prepare({TARGET!r}, {{'text': 'x', 'seconds': 1.0}})"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(package.parent), str(ROOT)])}
    runs = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert builds(package) == 1


@pytest.mark.parametrize(
    ("target", "arguments", "error", "message"),
    [
        ("build", {}, ValueError, "write module and function"),
        ("builders_for_tests.nothing.build", {}, ValueError, "no module 'builders_for_tests.nothing'"),
        ("builders_for_tests.text.missing", {}, ValueError, "no function 'missing'"),
        (TARGET, {"path": "x"}, ValueError, "leave out `path`"),
        (TARGET, {"txet": "a"}, TypeError, "unexpected keyword argument 'txet'"),
        (TARGET, {"text": {1, 2}}, TypeError, "JSON types"),
    ],
)
def test_a_mistake_is_named_before_anything_is_built(
    package: Path, target: str, arguments: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        prepare(target, arguments)
    assert builds(package) == 0


def test_a_new_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a" / "b") as partial:
        (partial / "file").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
    assert [file.name for file in (tmp_path / "a").rglob("*")] == ["b", "file"]


def test_an_interrupt_cleans_up_as_well(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "b"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
