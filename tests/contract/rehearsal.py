"""Shell text, really run by bash, with a stand-in for every program: what they were called with is recorded.

The sandbox is a folder with copies of scripts/ and requirements/, so a thin script runs too, up to the program it ends
in. PATH leads to the stand-ins alone: a program that has none is not found, and the text fails.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("docker", "git", "kubectl", "pip", "python", "scancel", "scontrol")
IN_VENV = ("mkdocs", "mypy", "pip", "python", "ruff", "uv")
SEEN = ("RLVR_TRAIN_MODULE", "SLURM_JOB_NUM_NODES", "SLURM_ARRAY_TASK_ID")  # what changes the meaning of the words

RECORD = """#!/bin/bash
{ printf '%s\\037' "${0##*/}" SEEN "$@"; printf '\\036'; } >>"$REHEARSAL/calls"
""".replace("SEEN", " ".join(f'"${{{name}:-}}"' for name in SEEN))
# Whatever is printed here becomes an argument of the next command, as in docs/drop-in.md.
PYTHON = RECORD + f"""[ "$1" != -c ] || printf '%s\\n' '{ROOT / "configs"}'\n"""
BASH = RECORD + """[[ "$1" = scripts/setup*.sh ]] || exec /bin/bash --norc "$@"\n"""
SRUN = """#!/bin/bash
while [[ "$1" == -* ]]; do shift; done
exec "$@"
"""
SBATCH = (
    RECORD
    + """nodes=1
while [[ "${1:-}" == -* ]]; do
    case "$1" in --nodes=*) nodes="${1#*=}" ;; --array=*) export SLURM_ARRAY_TASK_ID=0 ;; esac
    shift
done
export SLURM_SUBMIT_DIR="$PWD" SLURM_JOB_ID=1 SLURM_JOB_NUM_NODES="$nodes"
[ $# -eq 0 ] || exec /bin/bash --norc "$@"
"""
)


@dataclass(frozen=True)
class Call:
    """One program, as it was called.

    Attributes:
        program: its name, without a folder.
        words: its arguments.
        variables: those of SEEN that were set.
    """

    program: str
    words: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)


def sandbox(folder: Path) -> Path:
    """Fill an empty folder."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    stand_ins = dict.fromkeys(PROGRAMS, RECORD) | {"python": PYTHON, "bash": BASH, "srun": SRUN, "sbatch": SBATCH}
    _write(folder / "bin", stand_ins)
    _write(folder / ".venv-compose" / "bin", {"python": PYTHON})
    _write(folder / ".venv" / "bin", dict.fromkeys(IN_VENV, RECORD) | {"python": PYTHON, "activate": ""})
    for name in ("awk", "dirname"):
        (folder / "bin" / name).symlink_to(str(shutil.which(name)))
    return folder


def _write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def calls(text: str, folder: Path) -> list[Call]:
    """Run the text in a sandbox; every call of a program, in order.

    Raises:
        AssertionError: bash does not understand the text, or it fails: no such program or script, an unset variable.
    """
    record = folder / "calls"
    record.write_text("")
    result = subprocess.run(
        ["/bin/bash", "--norc", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env={"PATH": str(folder / "bin"), "REHEARSAL": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, f"{text}\n{result.stderr}"
    return list(_read(record.read_text()))


def _read(record: str) -> Iterator[Call]:
    for line in record.split("\036")[:-1]:
        program, *rest = line.split("\037")[:-1]
        values, words = rest[: len(SEEN)], rest[len(SEEN) :]
        yield Call(program, tuple(words), {name: value for name, value in zip(SEEN, values, strict=True) if value})
