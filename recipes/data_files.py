"""Are the data files what verl's data set reads?"""

from collections.abc import Sequence
from pathlib import Path

from recipes.errors import UserError
from recipes.paths import config_dir

# verl's schema: `prompt` is a list of chat messages, `reward_model.ground_truth` the gold.
COLUMNS = ("data_source", "prompt", "reward_model")


def check(key: str, files: str | Sequence[str], at_least: int) -> None:
    """Every file is a readable parquet file with the needed columns, and together they hold enough rows.

    Args:
        key: Hydra key, for the message.
        files: one path or several.
        at_least: rows needed.

    Raises:
        UserError: names key, file and what is wrong.
    """
    rows = sum(_rows(key, Path(file).expanduser()) for file in ([files] if isinstance(files, str) else files))
    if rows == 0:
        raise UserError(f"{key}={files}: no rows.")
    if rows < at_least:
        raise UserError(
            f"{key}={files}: {rows} rows, fewer than data.train_batch_size={at_least}; not one batch could be made. "
            f"Write data.train_batch_size={rows} or smaller."
        )


def _cure(key: str, file: Path) -> str:
    """Data sets are prepared into a folder of their own name."""
    if (config_dir() / "prepare" / "data" / f"{file.parent.name}.yaml").is_file():
        return f"Run `python -m recipes.prepare_data data={file.parent.name}`, or write {key}=<path of a parquet file>."
    return f"Write {key}=<path of a parquet file>, or data=arithmetic for the built-in task."


def _rows(key: str, file: Path) -> int:
    import pyarrow
    import pyarrow.parquet

    if not file.is_file():
        raise UserError(f"{key}={file}: there is no such file. {_cure(key, file)}")
    try:
        parquet = pyarrow.parquet.ParquetFile(file)
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{key}={file}: not a readable parquet file ({error}).") from error
    missing = [column for column in COLUMNS if column not in parquet.schema_arrow.names]
    if missing:
        raise UserError(
            f"{key}={file}: column {', '.join(missing)} missing; found {', '.join(parquet.schema_arrow.names)}. verl "
            "needs data_source (text), prompt (list of {role, content}) and reward_model ({style, ground_truth})."
        )
    gold = parquet.schema_arrow.field("reward_model").type
    if not pyarrow.types.is_struct(gold) or gold.get_field_index("ground_truth") < 0:
        raise UserError(
            f"{key}={file}: reward_model has no field ground_truth; write {{style: rule, ground_truth: <gold>}}."
        )
    return parquet.metadata.num_rows
