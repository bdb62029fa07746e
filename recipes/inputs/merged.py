"""The Hugging Face model of a verl checkpoint: the copy that stands in it, or what its shards merge to."""

import shutil
import subprocess
import sys
from pathlib import Path

from recipes.common.errors import UserError
from recipes.common.files import finish, new_folder, read_mapping
from recipes.inputs import loaded_back, model_folder

COPY = "huggingface"
MERGED = "merged"
ADAPTER = "lora_adapter"  # verl's merger leaves it apart, beside the weights as they were before the training


def merged(actor: Path, output: Path | None = None) -> Path:
    """A folder that `transformers` and vLLM load: the copy in the checkpoint, or what its shards merge to.

    Args:
        actor: the `actor` folder of a checkpoint.
        output: a new folder to merge to; by default one beside the copy, and nothing is done twice.

    Raises:
        UserError: there are neither weights nor shards, verl's merger fails, or its result would not load.
        FileExistsError: `output` holds something: of which checkpoint, nobody knows.
    """
    copy = actor / COPY
    if output is None and copy.is_dir() and model_folder.weight_bytes(str(copy)):
        return _loadable(copy)
    target = output or actor / MERGED
    if output is None and target.is_dir() and model_folder.weight_bytes(str(target)):
        return _loadable(target)
    if not list(actor.glob("model_world_size_*_rank_*.pt")):
        raise UserError(
            f"{actor}: neither weights in {COPY}/ nor shards (model_world_size_*_rank_*.pt). Write the folder of a "
            "checkpoint that was saved with actor_rollout_ref.actor.checkpoint.save_contents holding model or hf_model."
        )
    if not (copy / "config.json").is_file():
        raise UserError(f"{copy}: config.json is missing, which says what model the shards are of.")
    with new_folder(target) as partial:
        _merge(actor, partial)
        _fold(partial)
        _loadable(partial)
        finish(partial, (partial / "config.json").stat().st_mode & 0o777)
    return target


def _loadable(folder: Path) -> Path:
    if wrong := loaded_back.flaw(folder):
        raise UserError(f"{folder}: transformers would not load it as it was trained ({wrong}).")
    return folder


def _merge(actor: Path, target: Path) -> None:
    """verl's merger in a process of its own: it loads the whole model."""
    command = [sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"]
    command += ["--local_dir", str(actor), "--target_dir", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not model_folder.weight_bytes(str(target)):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise UserError(f"{actor}: verl.model_merger failed: {said[-1] if said else f'exit code {done.returncode}'}")


def _fold(folder: Path) -> None:
    """Merge an adapter into the weights that it belongs to: W + (α/r)·BA."""
    if not (folder / ADAPTER).is_dir():
        return
    if not read_mapping(folder / ADAPTER / "adapter_config.json").get("lora_alpha"):
        raise UserError(
            "lora_train_meta.json is missing or damaged beside the shards, so α of the adapter is not known. Write "
            'it: {"r": <rank>, "lora_alpha": <α>, "task_type": "CAUSAL_LM"}, as the run\'s config.yaml has them.'
        )
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from recipes.inputs.saving import without_progress_bar

    with without_progress_bar():
        base = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", local_files_only=True)
        PeftModel.from_pretrained(base, str(folder / ADAPTER)).merge_and_unload().save_pretrained(folder)
    shutil.rmtree(folder / ADAPTER)
