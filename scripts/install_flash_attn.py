"""Get flash-attn into the environment that runs this, or say in one sentence why there is none. Called by setup.sh.

In this order: it is there; a wheel that FLASH_ATTN_WHEEL names or an earlier build has kept; a wheel of the index
FLASH_ATTN_INDEX that fits torch, CUDA, Python and ABI; compiling, where an nvcc of CUDA's own major version is and the
estimate is bearable; none. Without it a training takes another attention (`attention=auto`), so that the last is no
failure: the exit code is 0 always, but for a Ctrl-C.

FLASH_ATTN_WHEEL    file or address of a wheel
FLASH_ATTN_INDEX    simple index (PEP 503) or page with links; of this one package only. `none`: no index is asked
FLASH_ATTN_COMPILE  yes: however long it takes; no: never. Otherwise up to BEARABLE minutes
MAX_JOBS            of the compiler at once; by default as many as cores and memory allow
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import URLError
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import Request, urlopen

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

# Wheels per CUDA version, each labelled with the torch that it was built for. Asked for flash-attn alone.
INDEX = "https://wheels.astral.sh/simple/cu{cuda}/"
BEARABLE = 90  # minutes of compiling that nobody has asked for
# One of the larger kernels of flash-attn 2.8.3 (backward, bf16, 128 wide, causal; compute_90) took 144 s of a core of a
# cloud machine and 5.9 GB. There are 72.
KERNELS, KERNEL_MINUTES, JOB_GIB = 72, 2.4, 6.0
USUAL_TOOLKIT = Path("/usr/local/cuda")
ARCHITECTURES = "80;90"  # where no GPU says: A100, and H100 and H200


@dataclass(frozen=True)
class Target:
    """What a wheel has to fit.

    Attributes:
        version: of flash-attn, as locked.
        torch, cuda: major.minor.
        abi: whether torch was built with C++11's strings.
    """

    version: str
    torch: str
    cuda: str
    abi: bool


class NoFlashAttention(Exception):
    """One way did not work; says why, in a clause."""


def target(version: str) -> Target:
    """Of the torch in this environment.

    Raises:
        NoFlashAttention: it is a build without CUDA.
    """
    import torch

    if not torch.version.cuda:
        raise NoFlashAttention(f"torch {torch.__version__} is built without CUDA")
    release = Version(torch.__version__)
    return Target(version, f"{release.major}.{release.minor}", torch.version.cuda, torch._C._GLIBCXX_USE_CXX11_ABI)


def say(text: str) -> None:
    """One line, as setup.sh writes them."""
    print(f"[setup] flash-attn: {text}", file=sys.stderr, flush=True)


def problem_of_import() -> str | None:
    """None if flash_attn's compiled part loads in a new process."""
    command = [sys.executable, "-c", "import flash_attn, flash_attn.flash_attn_interface"]
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it died"])[-1]


def fits(name: str, wanted: Target) -> bool:
    """Whether a wheel is the locked version, for this Python, and its label names no other CUDA, torch or ABI.

    Labels in use: 2.8.3+cu.13.0.torch.2.11, 2.8.3+cu13torch2.11cxx11abiTRUE, 2.8.3+cu130torch2.11.
    """
    try:
        project, version, _, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return False
    label = version.local or ""
    cuda, torch = re.search(r"cu\.?(\d\d)", label), re.search(r"torch\.?(\d+\.\d+)", label)
    abi = re.search(r"abi(true|false)", label)
    return (
        project == "flash-attn"
        and version.public == wanted.version
        and not tags.isdisjoint(sys_tags())
        and (cuda is None or cuda[1] == wanted.cuda.split(".")[0])
        and (torch is None or torch[1] == wanted.torch)
        and (abi is None or (abi[1] == "true") == wanted.abi)
    )


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def links(page: str) -> list[str]:
    """Absolute addresses that a page links to.

    Raises:
        OSError: it can't be read.
    """
    with urlopen(Request(page, headers={"Accept": "text/html"}), timeout=20) as answer:
        parser = _Links()
        parser.feed(answer.read().decode(errors="replace"))
        return [urljoin(answer.url, link) for link in parser.found]


def from_index(index: str, wanted: Target) -> str:
    """Address of the wheel of an index that fits.

    Raises:
        NoFlashAttention: there is none, or no answer.
    """
    index = index if index.endswith("/") else index + "/"
    found: list[str] = []
    problem: OSError | None = None
    for page in (urljoin(index, "flash-attn/"), index):
        try:
            found += links(page)
        except OSError as error:
            problem = problem or error
    wheels = [link for link in found if fits(unquote(Path(urlsplit(link).path).name), wanted)]
    if wheels:
        return wheels[0]
    if not found and problem:
        why = problem.reason if isinstance(problem, URLError) and not hasattr(problem, "code") else problem
        raise NoFlashAttention(f"{index} does not answer ({why})")
    raise NoFlashAttention(
        f"{index} has no wheel of {wanted.version} for CUDA {wanted.cuda.split('.')[0]}, torch {wanted.torch} and "
        f"Python {sys.version_info.major}.{sys.version_info.minor}"
    )


def install(wheel: str, log: Path) -> None:
    """Put a wheel into this environment, and take it out again if it does not load.

    Raises:
        NoFlashAttention: it can't be had, or does not load.
    """
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or "uv"
    command = [uv, "pip", "install", "--python", sys.executable, "--no-deps", "--reinstall", wheel]
    with log.open("a") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT)
    if done.returncode:
        raise NoFlashAttention(f"{wheel} can't be installed (see {log})")
    if problem := problem_of_import():
        command = [uv, "pip", "uninstall", "--quiet", "--python", sys.executable, "flash-attn"]
        subprocess.run(command, check=True)
        raise NoFlashAttention(f"{wheel} does not load: {problem}")


def compilers() -> Iterator[Path]:
    """Where nvcc may be: as torch looks for it."""
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(variable):
            yield Path(os.environ[variable]) / "bin" / "nvcc"
    if on_path := shutil.which("nvcc"):
        yield Path(on_path).resolve()
    yield USUAL_TOOLKIT / "bin" / "nvcc"


def toolkit(cuda: str) -> Path:
    """Folder of the CUDA toolkit whose nvcc fits.

    The nvcc of the lock (nvidia-cuda-nvcc 13.2) is none: the headers of CUDA's runtime in the same lock are 13.0's and
    refuse it, and there is no libcudart.so to link against.

    Raises:
        NoFlashAttention: says what was found.
    """
    seen = []
    for nvcc in dict.fromkeys(compilers()):
        if not nvcc.is_file():
            continue
        told = subprocess.run([str(nvcc), "--version"], capture_output=True, text=True).stdout
        release = re.search(r"release (\d+)\.(\d+)", told)
        if release and release[1] == cuda.split(".")[0]:
            return nvcc.parent.parent
        seen.append(f"{nvcc} is of CUDA {release[1]}.{release[2]}" if release else f"{nvcc} names no release")
    major = cuda.split(".")[0]
    raise NoFlashAttention(f"{', '.join(seen)}, torch needs {major}" if seen else f"no nvcc of CUDA {major} is here")


def architectures() -> str:
    """Compute capabilities to compile for, as flash-attn's build wants them: this machine's, or A100's and H100's."""
    given = os.environ.get("FLASH_ATTN_CUDA_ARCHS")
    if given or not shutil.which("nvidia-smi"):
        return given or ARCHITECTURES
    command = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    told = subprocess.run(command, capture_output=True, text=True).stdout
    found = {capability.replace(".", "") for capability in re.findall(r"^\d+\.\d+$", told, re.M)}
    # Its build knows the first of each generation, whose code runs on the later ones.
    known = sorted({"120" if one >= "12" and len(one) == 3 else one[:-1] + "0" for one in found}, key=int)
    return ";".join(known) or ARCHITECTURES


def jobs(cores: int, memory_gib: float) -> int:
    """Compilers at once: of MAX_JOBS, or what cores and memory allow."""
    return int(os.environ.get("MAX_JOBS") or max(1, min(cores, int(memory_gib / JOB_GIB))))


def minutes(number: int, archs: str) -> float:
    """Estimate for compiling all kernels."""
    return KERNELS * KERNEL_MINUTES * len(archs.split(";")) / number


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 2**30


def named(wanted: Target, folder: Path, log: Path) -> str | None:
    """The wheel that a person has named."""
    return os.environ.get("FLASH_ATTN_WHEEL")


def kept(wanted: Target, folder: Path, log: Path) -> str | None:
    """The wheel that was built before, here or on another node."""
    return next((str(wheel) for wheel in sorted(folder.glob("*.whl")) if fits(wheel.name, wanted)), None)


def indexed(wanted: Target, folder: Path, log: Path) -> str | None:
    """A wheel of an index."""
    index = os.environ.get("FLASH_ATTN_INDEX") or INDEX.format(cuda=wanted.cuda.replace(".", ""))
    return None if index == "none" else from_index(index, wanted)


def compiled(wanted: Target, folder: Path, log: Path) -> str | None:
    """A wheel compiled into `folder`; what an interrupted build has compiled is kept.

    Raises:
        NoFlashAttention: no fitting nvcc, too long, or it fails.
    """
    asked = os.environ.get("FLASH_ATTN_COMPILE")
    if asked == "no":
        raise NoFlashAttention("FLASH_ATTN_COMPILE=no")
    home, archs = toolkit(wanted.cuda), architectures()
    number = jobs(len(os.sched_getaffinity(0)), _memory_gib())
    estimate = minutes(number, archs)
    told = f"compiling for {archs} with {home}/bin/nvcc takes about {estimate:.0f} minutes ({number} at once)"
    if estimate > BEARABLE and asked != "yes":
        raise NoFlashAttention(f"{told}; FLASH_ATTN_COMPILE=yes does it all the same")
    say(f"{told}; output in {log}")
    build = Build(
        log,
        os.environ
        | {
            "CUDA_HOME": str(home),
            "MAX_JOBS": str(number),
            "NVCC_THREADS": "1",
            "FLASH_ATTN_CUDA_ARCHS": archs,
            "FLASH_ATTENTION_FORCE_BUILD": "TRUE",  # or it asks an address of its own for a wheel that there is not
        },
    )
    build.pip("wheel", "--wheel-dir", str(folder), str(build.source(wanted.version, folder)))
    return kept(wanted, folder, log)


@dataclass(frozen=True)
class Build:
    """pip with the environment that flash-attn's build reads.

    Attributes:
        log: file that the output goes to.
        environment: variables.
    """

    log: Path
    environment: Mapping[str, str]

    def source(self, version: str, folder: Path) -> Path:
        """The unpacked source, where the objects of an earlier build are found again."""
        source = folder / f"flash_attn-{version}"
        if not (source / "setup.py").is_file():
            self.pip("download", "--no-binary", "flash-attn", "--dest", str(folder), f"flash-attn=={version}")
            with tarfile.open(folder / f"flash_attn-{version}.tar.gz") as archive:
                archive.extractall(folder, filter="data")
        return source

    def pip(self, verb: str, *words: str) -> None:
        """Run it against the packages that are there.

        Raises:
            NoFlashAttention: with the last three lines that it wrote.
        """
        command = [sys.executable, "-m", "pip", verb, "--no-deps", "--no-build-isolation", *words]
        with self.log.open("a") as output:
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=dict(self.environment))
        if done.returncode:
            last = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()][-3:]
            print(*last, sep="\n", file=sys.stderr)
            raise NoFlashAttention(f"`pip {verb}` failed (all of its output is in {self.log})")


def main(version: str, folder: Path, log: Path) -> None:
    """Try one way after the other."""
    if problem_of_import() is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for way in (named, kept, indexed, compiled):
        try:
            wheel = way(wanted := target(version), folder, log)
            if wheel is None:
                continue
            say(f"trying {wheel}")
            install(wheel, log)
            say(f"{version} for torch {wanted.torch} and CUDA {wanted.cuda} is installed")
            return
        except NoFlashAttention as why:
            reasons.append(str(why))
    why = "; ".join(dict.fromkeys(reasons))
    say(
        f"none ({why}), so trainings take torch's flex_attention (attention=auto); to have it, set FLASH_ATTN_WHEEL or "
        "FLASH_ATTN_INDEX and run `bash scripts/setup.sh gpu` again"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="as locked")
    parser.add_argument("--folder", type=Path, required=True, help="where wheels are kept")
    parser.add_argument(
        "--log", type=Path, required=True, help="file that the output of installing and compiling goes to"
    )
    given = parser.parse_args()
    main(given.version, given.folder, given.log)
