"""Are the data files what verl's data set reads?"""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.common.paths import config_dir

# verl's schema: `prompt` is a list of chat messages, `reward_model.ground_truth` the gold.
COLUMNS = ("data_source", "prompt", "reward_model")


def check_all(data: DictConfig, trainer: DictConfig) -> None:
    """Training and validation files, and rows enough for as many steps as are asked for.

    Args:
        data, trainer: these sections of the resolved config.

    Raises:
        UserError: names the key and what to write.
    """
    batch, rows = data.train_batch_size, _at_most(check("data.train_files", data.train_files), data.train_max_samples)
    check("data.val_files", data.val_files)
    if rows < batch:
        limited = f" (data.train_max_samples={data.train_max_samples})" if rows == data.train_max_samples else ""
        raise UserError(
            f"data.train_files={data.train_files}: {rows} rows{limited}, fewer than data.train_batch_size={batch}; not "
            f"one batch could be made. Write data.train_batch_size={rows} or smaller."
        )
    steps = rows // batch * trainer.total_epochs
    if steps < trainer.total_training_steps:
        raise UserError(
            f"trainer.total_epochs={trainer.total_epochs}: {rows} rows make {steps} batches of {batch}, so the run "
            f"would end before trainer.total_training_steps={trainer.total_training_steps}. "
            f"Write trainer.total_epochs={-(-trainer.total_training_steps // (rows // batch))} or more."
        )


def _at_most(rows: int, limit: int) -> int:
    return min(rows, limit) if limit > 0 else rows


def check(key: str, files: str | Sequence[str]) -> int:
    """Every file is a readable parquet file with the needed columns; returns how many rows they hold together.

    Args:
        key: Hydra key, for the message.
        files: one path or several.

    Raises:
        UserError: names key, file and what is wrong.
    """
    rows = sum(_rows(key, Path(file).expanduser()) for file in ([files] if isinstance(files, str) else files))
    if rows == 0:
        raise UserError(f"{key}={files}: no rows. Write {key}=<a parquet file that holds problems>.")
    return rows


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
