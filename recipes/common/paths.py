"""Where this project's files are, in a checkout and in an installed wheel."""

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
