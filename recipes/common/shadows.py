"""Files of the working directory that would be imported in place of what the commands need.

`python -m` puts that directory before everything else, in the driver and in Ray's workers: a reward function that
somebody keeps in `reward.py` hides our package of that name.
"""

import sys
from pathlib import Path

OURS = ("dgpo", "losses", "maspo", "reward")
# What our code imports (tests/contract/test_dependencies.py), and what its trackers are.
NEEDED = (
    "datasets", "filelock", "gguf", "huggingface_hub", "hydra", "jinja2", "latex2sympy2_extended", "math_verify",
    "matplotlib", "mlflow", "mpmath", "numpy", "omegaconf", "packaging", "pandas", "peft", "plotly", "psutil",
    "pyarrow", "pydantic", "pynvml", "ray", "reasoning_gym", "rich", "safetensors", "scipy", "starlette", "swanlab",
    "sympy", "tensorboard", "tensordict", "tokenizers", "torch", "transfer_queue", "transformers", "uvicorn", "verl",
    "vllm", "wandb", "yaml",
)  # fmt: skip
UNUSED = {"test", "this", "tkinter", "turtle"}  # parts of Python that nothing here imports; a test.py is nobody's fault
ROOT = Path(__file__).resolve().parents[2]


def hidden(folder: Path) -> list[Path]:
    """The files below `folder` that hide a package; none where `folder` is the one that our packages are in."""
    if folder.resolve() == ROOT:
        return []
    names = {*OURS, *NEEDED, *sys.stdlib_module_names} - UNUSED
    files = [file for file in sorted(folder.glob("*.py")) if file.stem in names]
    return files + [file for name in OURS if (file := folder / name / "__init__.py").is_file()]


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
