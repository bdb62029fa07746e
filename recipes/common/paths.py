"""Where this project's files are, in a checkout and in an installed wheel; and paths of a command line."""

import argparse
from pathlib import Path


def config_dir() -> Path:
    """Folder of the Hydra configs: `configs/` of the checkout, or `recipes/configs/` of a wheel.

    Raises:
        FileNotFoundError: neither exists.
    """
    package = Path(__file__).resolve().parents[1]  # recipes/
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no configs/train.yaml beside or inside {package}; reinstall the project.")


def given_path(text: str) -> Path:
    """A path of a command line, as argparse's `type`: a shell replaces ~ at the beginning of a word only.

    So `--output=~/tables` would make a folder called ~, and `--output="$UNSET"` mean the working directory.

    Raises:
        argparse.ArgumentTypeError: it is empty, or its ~ is nobody's.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty. Write a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise argparse.ArgumentTypeError(f"{error} Write the whole path") from error
