"""Files of the working directory that would be imported in place of what the commands need.

`python -m` puts that directory before everything else, in the driver and in Ray's workers: a reward function that
somebody keeps in `reward.py` hides our package of that name.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

OURS = ("dgpo", "losses", "maspo", "reward")
NEEDED = ("datasets", "hydra", "numpy", "omegaconf", "pyarrow", "ray", "rich", "torch", "transformers", "verl", "vllm")
ROOT = Path(__file__).resolve().parents[2]


def hidden(folder: Path, names: Sequence[str] = (*OURS, *NEEDED)) -> list[Path]:
    """The files below `folder` that hide a package; none where `folder` is the one that our packages are in."""
    if folder.resolve() == ROOT:
        return []
    files = [folder / f"{name}.py" for name in names]
    files += [folder / name / "__init__.py" for name in names if name in OURS]
    return [file for file in files if file.is_file()]


def refuse() -> None:
    """End a command (exit code 2, one sentence) that would import something else than it means."""
    folder = Path.cwd()
    is_command = sys.argv[0] == "-m"  # an import by anybody else is not ours to end
    for file in hidden(folder) if is_command and str(folder) in sys.path else ():
        name = file.parent.name if file.name == "__init__.py" else file.stem
        print(
            f"Error: {file} hides the package {name}, which this command imports. Rename it, or start the command from "
            "another folder.",
            file=sys.stderr,
        )
        raise SystemExit(2)
