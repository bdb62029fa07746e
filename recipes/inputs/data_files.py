"""Are the data files what verl's data set reads? They are read as it reads them: by `datasets`, into its cache."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipes.common.errors import UserError
from recipes.common.paths import config_dir

if TYPE_CHECKING:
    from datasets import Dataset

# What verl's data set opens, by the end of the name (verl/utils/dataset/rl_dataset.py); its case counts.
FORMATS = {".parquet": "parquet", ".json": "json", ".jsonl": "json"}
PATTERN = "*?["


def load(key: str, files: str | Sequence[str], prompt: str = "prompt") -> "Dataset":
    """All rows of all files, as verl's data set gets them.

    Args:
        key: Hydra key, for the message.
        files: one path or several; patterns as `datasets` takes them.
        prompt: column of the prompts.

    Raises:
        UserError: names key, file and what is wrong.
    """
    import datasets

    given = [files] if isinstance(files, str) else list(files)
    loaded = [_one(key, file, prompt) for file in given]
    try:
        with _quietly():
            return datasets.concatenate_datasets(loaded)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{key}={files}: the files can't be joined, since a column is of different types in them: {error} Write "
            "the column alike in every file (golds as text, for instance)."
        ) from error


def check(key: str, files: str | Sequence[str]) -> int:
    """Every file is readable and has the needed columns; returns how many rows they hold together.

    Raises:
        UserError: names key, file and what is wrong.
    """
    rows = len(load(key, files))
    if rows == 0:
        raise UserError(_no_rows(key, files))
    return rows


def _one(key: str, file: str, prompt: str) -> "Dataset":
    import datasets
    from pyarrow import ArrowException

    path = Path(file)
    _check_name(key, path)
    form = FORMATS[path.suffix]
    _refuse_nothing(key, path)
    try:
        with _quietly():
            found = datasets.load_dataset(form, data_files=file)["train"]
    except PermissionError as error:
        raise UserError(
            f"{key}={file}: {error}. Files are read through a cache, which has to be writable: set HF_HOME (or "
            "HF_DATASETS_CACHE) to a folder of yours."
        ) from error
    except (OSError, ValueError, ArrowException, datasets.exceptions.DatasetsError) as error:
        cause = error.__cause__ or error
        raise UserError(
            f"{key}={file}: not a readable {form} file ({type(cause).__name__}: {str(cause)[:200]}). Copy it again, "
            "or write the path of another; verl reads .parquet, .json and .jsonl."
        ) from error
    except StopIteration as error:  # of `datasets`, at JSON in which nothing stands
        raise UserError(_no_rows(key, file)) from error
    _check_columns(key, path, found, prompt)
    return found


def _no_rows(key: str, files: object) -> str:
    return f"{key}={files}: no rows. Write {key}=<a parquet file that holds problems>."


def _check_name(key: str, file: Path) -> None:
    is_pattern = any(sign in file.name for sign in PATTERN)
    matches = list(file.parent.glob(file.name)) if is_pattern else []
    if not file.is_file() and not matches:
        raise UserError(f"{key}={file}: there is no such file. {_cure(key, file)}")
    if file.is_file() and is_pattern and file not in matches:
        raise UserError(
            f"{key}={file}: verl takes *, ? and [ ] in a path for a pattern, which does not match the file itself. "
            "Rename it."
        )
    if file.suffix not in FORMATS:
        raise UserError(
            f"{key}={file}: verl tells the format by the end of the name, and reads {', '.join(FORMATS)} only. "
            "Rename or convert the file."
        )


def _refuse_nothing(key: str, file: Path) -> None:
    """`datasets` ends at a parquet file without rows in an error about sizes of batches."""
    import pyarrow
    from pyarrow import parquet

    try:
        empty = file.suffix == ".parquet" and file.is_file() and not parquet.read_metadata(file).num_rows
    except (OSError, pyarrow.ArrowException):
        return  # what is wrong with it is said by whoever reads it
    if empty:
        raise UserError(_no_rows(key, file))


def _cure(key: str, file: Path) -> str:
    """Data sets are prepared into a folder of their own name."""
    if (config_dir() / "prepare" / "data" / f"{file.parent.name}.yaml").is_file():
        return f"Run `python -m recipes.prepare_data data={file.parent.name}`, or write {key}=<path of a parquet file>."
    return f"Write {key}=<path of a parquet file>, or data=arithmetic for the built-in task."


def _check_columns(key: str, file: Path, found: "Dataset", prompt: str) -> None:
    columns = ("data_source", prompt, "reward_model")
    missing = [column for column in columns if column not in found.column_names]
    if missing:
        raise UserError(
            f"{key}={file}: column {', '.join(missing)} missing; found {', '.join(found.column_names)}. verl needs "
            f"data_source (text), {prompt} (list of {{role, content}}; its name is data.prompt_key) and reward_model "
            "({style, ground_truth})."
        )
    gold: Any = found.features["reward_model"]
    if len(found) and (not isinstance(gold, dict) or "ground_truth" not in gold):
        raise UserError(
            f"{key}={file}: reward_model has no field ground_truth; write {{style: rule, ground_truth: <gold>}}."
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the bars of `datasets`, which say nothing about a training."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
