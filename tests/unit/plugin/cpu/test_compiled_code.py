"""Code compiled for one kind of processor is not run on another."""

import pytest

FOLDER = """
import torch._inductor  # which sets the variable to torch's own folder
from torch._inductor.runtime.cache_dir_utils import cache_dir
from recipes.plugin.cpu import compiled_code
compiled_code.keep_apart()
print(cache_dir())
"""


@pytest.fixture
def folder_with(run_python, tmp_path, monkeypatch):
    """Where torch keeps what it compiles in a process with these variables."""
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    return lambda **environment: run_python(FOLDER, TMPDIR=str(tmp_path), **environment).stdout.strip()


def test_each_kind_of_processor_has_a_folder_of_its_own(folder_with, tmp_path) -> None:
    plain, again, other = folder_with(), folder_with(), folder_with(ATEN_CPU_CAPABILITY="default")
    assert plain == again and plain.startswith(str(tmp_path))
    assert other != plain and other.startswith(str(tmp_path))


def test_a_folder_of_the_users_own_stays(folder_with, tmp_path) -> None:
    assert folder_with(TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "mine")) == str(tmp_path / "mine")


def test_a_run_on_a_cpu_has_it(run_python, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    result = run_python(
        "import os, verl\nprint(os.environ['TORCHINDUCTOR_CACHE_DIR'])", TMPDIR=str(tmp_path), VERL_PLATFORM="cpu"
    )
    assert result.stdout.strip().startswith(f"{tmp_path}/torchinductor_"), result.stderr
    assert result.stdout.count("/") == str(tmp_path).count("/") + 2  # a folder of instructions below the user's
