"""The set-up's one package that may be missing: which wheel is taken, when it is compiled, and what is said."""

import importlib.util
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import packaging
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "install_flash_attn.py"
VERSION = "2.8.3"
TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
PYTHON = f"{TAG}-{TAG}-linux_x86_64"
# The torch that a wheel has to fit, as far as the script asks.
TORCH = """
from types import SimpleNamespace
__version__ = "2.11.0+cu130"
version, _C = SimpleNamespace(cuda="13.0"), SimpleNamespace(_GLIBCXX_USE_CXX11_ABI=True)
"""


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("flash_attn_setup", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def wanted(script):
    return script.Target(VERSION, "2.11", "13.0", True)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An empty virtual environment with a torch that says what it was built for; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    packages = next((tmp_path / "venv/lib").glob("python*")) / "site-packages"
    (packages / "torch.py").write_text(TORCH)
    (packages / "packaging").symlink_to(Path(packaging.__file__).parent)
    return tmp_path / "venv/bin/python"


def run(python: Path, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script as setup.sh calls it, without the machine's own compilers."""
    words = [str(python), str(SCRIPT), VERSION, "--folder", str(tmp_path / "wheels"), "--log", str(tmp_path / "log")]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"  # uv
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLASH_ATTN", "CUDA"))}
    chosen = {"FLASH_ATTN_INDEX": "none", "FLASH_ATTN_COMPILE": "no"} | variables
    return subprocess.run(words, capture_output=True, text=True, env=kept | {"PATH": path} | chosen, timeout=120)


def wheel(folder: Path, label: str = "cu.13.0.torch.2.11", python: str = PYTHON, code: str = "") -> Path:
    """A wheel of flash-attn by name, with a line of code inside."""
    folder.mkdir(parents=True, exist_ok=True)
    name, info = f"flash_attn-{VERSION}+{label}", f"flash_attn-{VERSION}+{label}.dist-info"
    path = folder / f"{name}-{python}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flash_attn/__init__.py", code)
        archive.writestr("flash_attn/flash_attn_interface.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: flash-attn\nVersion: {VERSION}+{label}\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {python}\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def installed(python: Path) -> str:
    asked = "import importlib.metadata as m; print(*(d.version for d in m.distributions() if d.name == 'flash-attn'))"
    return subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A simple index on loopback: its address, and the folder of the project's page."""
    folder = tmp_path / "simple/flash-attn"
    folder.mkdir(parents=True)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "simple"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("label", "python", "expected"),
    [
        ("cu.13.0.torch.2.11", PYTHON, True),
        ("cu13torch2.11cxx11abiTRUE", PYTHON, True),
        ("cu130torch2.11", PYTHON, True),
        ("cu.12.8.torch.2.11", PYTHON, False),
        ("cu.13.0.torch.2.10", PYTHON, False),
        ("cu13torch2.11cxx11abiFALSE", PYTHON, False),
        ("cu.13.0.torch.2.11", "cp39-cp39-linux_x86_64", False),
        ("cu.13.0.torch.2.11", f"{TAG}-{TAG}-win_amd64", False),
    ],
)
def test_a_wheel_fits_torch_cuda_python_and_abi(script, wanted, label, python, expected) -> None:
    assert script.fits(f"flash_attn-{VERSION}+{label}-{python}.whl", wanted) is expected


def test_another_version_or_package_does_not_fit(script, wanted) -> None:
    assert not script.fits(f"flash_attn-2.8.4+cu13torch2.11-{PYTHON}.whl", wanted)
    assert not script.fits(f"flash_attn_3-{VERSION}-{PYTHON}.whl", wanted)
    assert not script.fits(f"flash_attn-{VERSION}.tar.gz", wanted)


def test_the_wheel_of_an_index_is_taken(environment: Path, tmp_path: Path, index) -> None:
    address, folder = index
    for label in ("cu.12.8.torch.2.11", "cu.13.0.torch.2.11", "cu.13.0.torch.2.10"):
        wheel(folder, label)
    done = run(environment, tmp_path, FLASH_ATTN_INDEX=address)
    assert done.returncode == 0, done.stderr
    assert installed(environment) == f"{VERSION}+cu.13.0.torch.2.11"
    assert run(environment, tmp_path).stderr == "", "it is there: nothing to say"


def test_the_wheel_that_is_named_is_taken_first(environment: Path, tmp_path: Path, index) -> None:
    address, folder = index
    wheel(folder)
    mine = wheel(tmp_path / "mine", "cu13torch2.11cxx11abiTRUE")
    run(environment, tmp_path, FLASH_ATTN_INDEX=address, FLASH_ATTN_WHEEL=str(mine))
    assert installed(environment) == f"{VERSION}+cu13torch2.11cxx11abiTRUE"


def test_the_wheel_that_was_built_before_serves_the_next_node(environment: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "cu.12.8.torch.2.11")
    wheel(tmp_path / "wheels")
    run(environment, tmp_path)
    assert installed(environment) == f"{VERSION}+cu.13.0.torch.2.11"


def test_a_wheel_that_does_not_load_is_taken_out_again(environment: Path, tmp_path: Path) -> None:
    broken = wheel(tmp_path / "mine", code="raise ImportError('undefined symbol: _ZN3c105Error')")
    done = run(environment, tmp_path, FLASH_ATTN_WHEEL=str(broken))
    assert done.returncode == 0 and installed(environment) == ""
    assert "does not load: ImportError: undefined symbol" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("index_variable", "reason"),
    [("none", "FLASH_ATTN_COMPILE=no"), ("http://127.0.0.1:9/", "127.0.0.1:9/ does not answer")],
)
def test_without_any_the_set_up_goes_on_with_one_sentence(environment, tmp_path, index_variable, reason) -> None:
    done = run(environment, tmp_path, FLASH_ATTN_INDEX=index_variable)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 0 and reason in line
    assert "attention=auto" in line and "FLASH_ATTN_WHEEL" in line and "bash scripts/setup.sh gpu" in line


def test_an_index_without_a_fitting_wheel_is_said(environment: Path, tmp_path: Path, index) -> None:
    address, folder = index
    wheel(folder, "cu.12.8.torch.2.11")
    (line,) = run(environment, tmp_path, FLASH_ATTN_INDEX=address).stderr.splitlines()
    assert f"{address} has no wheel of {VERSION} for CUDA 13, torch 2.11" in line


def compiler(folder: Path, release: str) -> Path:
    """A toolkit whose nvcc says that it is of this release."""
    nvcc = folder / "bin/nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text(f"#!/bin/sh\necho 'Cuda compilation tools, release {release}, V{release}.61'\n")
    nvcc.chmod(0o755)
    return folder


def test_nvcc_of_another_major_version_is_one_sentence(script, wanted, tmp_path, monkeypatch) -> None:
    old = compiler(tmp_path / "old", "12.8")
    monkeypatch.setattr(script, "USUAL_TOOLKIT", tmp_path / "none")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("CUDA_PATH", raising=False)
    monkeypatch.setenv("CUDA_HOME", str(old))
    monkeypatch.delenv("FLASH_ATTN_COMPILE", raising=False)
    with pytest.raises(script.NoFlashAttention, match=r"old/bin/nvcc is of CUDA 12\.8, torch needs 13$"):
        script.compiled(wanted, tmp_path, tmp_path / "log")
    assert script.toolkit("12.6") == old
    monkeypatch.delenv("CUDA_HOME")
    with pytest.raises(script.NoFlashAttention, match="no nvcc of CUDA 13 is here"):
        script.toolkit("13.0")


def test_compiling_for_hours_has_to_be_asked_for(script, wanted, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CUDA_HOME", str(compiler(tmp_path / "cuda", "13.0")))
    monkeypatch.setenv("MAX_JOBS", "1")
    monkeypatch.delenv("FLASH_ATTN_COMPILE", raising=False)
    with pytest.raises(script.NoFlashAttention, match=r"takes about \d+ minutes \(1 at once\); FLASH_ATTN_COMPILE=yes"):
        script.compiled(wanted, tmp_path, tmp_path / "log")


def test_memory_limits_the_compilers(script, monkeypatch) -> None:
    monkeypatch.delenv("MAX_JOBS", raising=False)
    assert script.jobs(64, 2000) == 64
    assert script.jobs(64, 8 * script.JOB_GIB) == 8
    assert script.jobs(64, 1) == 1
    assert script.minutes(8, "80;90") == 2 * script.minutes(8, "90") == 2 * script.minutes(16, "80;90")


def test_a_failing_build_shows_three_lines_and_where_the_rest_is(script, wanted, tmp_path, monkeypatch, capsys) -> None:
    """The unpacked source of an interrupted build is gone on with: nothing is downloaded."""
    source = tmp_path / "wheels" / f"flash_attn-{VERSION}"
    source.mkdir(parents=True)
    lines = "".join(f"print('line {number}', flush=True)\n" for number in range(50))
    (source / "setup.py").write_text(f"{lines}raise SystemExit('nvcc fatal')\n")
    monkeypatch.setenv("CUDA_HOME", str(compiler(tmp_path / "cuda", "13.0")))
    monkeypatch.setenv("FLASH_ATTN_COMPILE", "yes")
    log = tmp_path / "log"
    with pytest.raises(script.NoFlashAttention, match=f"`pip wheel` failed .*{log}"):
        script.compiled(wanted, tmp_path / "wheels", log)
    assert "line 49" in log.read_text() and "nvcc fatal" in log.read_text()
    progress, *shown = capsys.readouterr().err.splitlines()
    assert "takes about" in progress and str(log) in progress and len(shown) == 3


def test_a_wheel_is_built_with_this_toolkit_and_kept(script, wanted, tmp_path, monkeypatch) -> None:
    source = tmp_path / "wheels" / f"flash_attn-{VERSION}"
    source.mkdir(parents=True)
    (source / "setup.py").write_text(
        "import os\nfrom setuptools import setup\n"
        "assert os.environ['FLASH_ATTENTION_FORCE_BUILD'] == 'TRUE' and os.environ['CUDA_HOME'].endswith('cuda')\n"
        f"setup(name='flash-attn', version='{VERSION}', py_modules=[])\n"
    )
    monkeypatch.setenv("CUDA_HOME", str(compiler(tmp_path / "cuda", "13.0")))
    monkeypatch.setenv("FLASH_ATTN_COMPILE", "yes")
    built = script.compiled(wanted, tmp_path / "wheels", tmp_path / "log")
    assert Path(built).parent == tmp_path / "wheels"
    assert script.kept(wanted, tmp_path / "wheels", tmp_path / "log") == built
