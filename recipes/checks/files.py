"""Model, data and room for checkpoints; after what is made on the spot has been made."""

import shutil
from pathlib import Path

from omegaconf import DictConfig
from rich.table import Table

from recipes.checks import reward, rows, sizes, unsupported
from recipes.common.errors import UserError
from recipes.common.files import existing_parent
from recipes.inputs import architecture, model_folder
from recipes.runs.dumps import Dumps


def check_model(config: DictConfig) -> None:
    """The model is complete, takes sequences this long, can be split, and its chat template fits the reward."""
    model_folder.check(config.actor_rollout_ref.model.path)
    facts = model_folder.architecture(config.actor_rollout_ref.model.path)
    unsupported.check_model(config, facts)
    sizes.check_model(config, facts)
    reward.check_thinking(config)


def check_data(config: DictConfig) -> Table | None:
    """The data files hold what verl reads, and enough of it; returns what is kept of them.

    A data set class of the user's own reads its files itself: then nothing is known of them.

    Raises:
        UserError: names key, file, row and what to write.
    """
    if (config.data.get("custom_cls") or {}).get("path"):
        return None
    train = rows.examine(config, "data.train_files", config.data.train_max_samples)
    validation = rows.examine(config, "data.val_files", config.data.val_max_samples)
    check_enough(config, train)
    if not validation.left:
        raise UserError(_too_few(config, validation, "at least one is needed to validate"))
    return rows.table([train, validation])


def _too_few(config: DictConfig, found: rows.Rows, needed: str) -> str:
    dropped = f" ({found.reasons()})" if found.dropped else ""
    cure = (
        "Write data.max_prompt_length=<a larger one>, or mend the rows"
        if found.dropped
        else f"Write {found.key}=<a parquet file that holds problems>"
    )
    files = config.data[found.key.removeprefix("data.")]
    left = f"{found.left:,} of {found.given:,} rows are left" if found.dropped else f"{found.given or 'no'} rows"
    return f"{found.key}={files}: {left}{dropped}, and {needed}. {cure}."


def check_enough(config: DictConfig, train: rows.Rows) -> None:
    """Rows for one batch, and for as many steps as are asked for.

    Raises:
        UserError: names the key and what to write.
    """
    batch, trainer = config.data.train_batch_size, config.trainer
    if train.left < batch:
        limited = train.given == config.data.train_max_samples
        more = f" (data.train_max_samples={train.given})" if limited else ""
        needed = f"that is fewer than data.train_batch_size={batch}{more}; not one batch could be made"
        raise UserError(_too_few(config, train, needed) + f" Or write data.train_batch_size={max(train.left, 1)}.")
    steps = train.left // batch * trainer.total_epochs
    if steps < trainer.total_training_steps:
        raise UserError(
            f"trainer.total_epochs={trainer.total_epochs}: {train.left} rows make {steps} batches of {batch}, so the "
            f"run would end before trainer.total_training_steps={trainer.total_training_steps}. "
            f"Write trainer.total_epochs={-(-trainer.total_training_steps // (train.left // batch))} or more."
        )


def checkpoint_bytes(config: DictConfig) -> tuple[int, int]:
    """Checkpoints that stand there at the same time: how many, and the bytes of one; zeros where none is written.

    The bytes are also 0 where the size of the model can't be had (a hub id, offline).
    """
    if config.trainer.save_freq is None or config.trainer.save_freq <= 0:
        return 0, 0
    weights = model_folder.weight_bytes(config.actor_rollout_ref.model.path) or 0
    best = int(config.trainer.test_freq > 0)  # kept beside the last ones
    # Parameters, two Adam moments and the Hugging Face copy, all written in float32 by FSDP; bf16 weights double.
    parts = config.actor_rollout_ref.actor.checkpoint.save_contents
    copies = sum(
        {"model": 1.0, "optimizer": 2 * _trained_share(config), "hf_model": 1.0}.get(part, 0) for part in parts
    )
    # The next checkpoint is written before the oldest goes.
    return (config.trainer.max_actor_ckpt_to_keep or 1) + best + 1, int(weights * 2 * copies)


def _trained_share(config: DictConfig) -> float:
    """Parameters that have moments, of the model's: an adapter's, or all; all where the model's sizes can't be had."""
    rank = config.actor_rollout_ref.model.lora_rank
    if not rank:
        return 1.0
    try:
        model = architecture.of(config)
    except UserError:
        return 1.0
    return model.trained(rank) / model.parameters


def dump_bytes(config: DictConfig) -> float:
    """What the training responses take under generations/ by the last step, about: half the length limit each."""
    if not config.trainer.rollout_data_dir:
        return 0.0
    responses = config.data.train_batch_size * config.actor_rollout_ref.rollout.n
    one = Dumps.of(config).bytes_of(responses, config.data.max_response_length / 2)
    return float(config.trainer.total_training_steps * one)


def check_disk_space(config: DictConfig) -> None:
    """Free disk space against what a run leaves there: the checkpoints of one time, and the responses of all steps."""
    count, one = checkpoint_bytes(config)
    responses = dump_bytes(config)
    needed = one * count + (responses if responses > 2**30 else 0)  # less is not worth a refusal
    folder = existing_parent(Path(config.run_dir))
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return
    parts, cures = [], ["output_root=<another>"]
    if count * one:
        parts.append(f"Checkpoints need about {one * count / 2**30:.1f} GiB ({count} × {one / 2**30:.1f})")
        cures += ["trainer.max_actor_ckpt_to_keep=1", "trainer.save_freq=-1 to keep none"]
    if responses > 2**30:
        parts.append(f"Responses need about {responses / 2**30:.1f} GiB")
        cures += ["dumps.keep=sample or none"]
    raise UserError(
        f"{'. '.join(parts)} under run_dir={config.run_dir}, but {folder} has {free / 2**30:.1f} GiB free. "
        f"Write {', '.join(cures[:-1])}, or {cures[-1]}."
    )
