"""Is there a model where the config says?"""

import json
from pathlib import Path

from recipes.errors import UserError

KEY = "actor_rollout_ref.model.path"
_WEIGHTS = ("*.safetensors", "*.bin")


def is_local(path: str) -> bool:
    """Whether `path` is meant as a folder rather than as a hub id (`owner/name`)."""
    return Path(path).expanduser().exists() or path.startswith(("/", "./", "../", "~")) or path.count("/") != 1


def check(path: str) -> None:
    """A local folder holds config, weights and tokenizer; a hub id can be reached or is in the local cache.

    Raises:
        UserError: with the key and what to write.
    """
    if is_local(path):
        _check_folder(Path(path).expanduser())
    else:
        _check_hub_id(path)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(
            f"{KEY}={folder}: there is no such folder. Write the path of a Hugging Face checkpoint folder, a hub id "
            "such as deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B, or model=tiny."
        )
    try:
        json.loads((folder / "config.json").read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise UserError(f"{KEY}={folder}: config.json is missing or unreadable ({error}).") from error
    if not weight_bytes(str(folder)):
        raise UserError(f"{KEY}={folder}: no weights (*.safetensors or *.bin) in this folder.")
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise UserError(f"{KEY}={folder}: no tokenizer (tokenizer.json) in this folder.")


def _check_hub_id(name: str) -> None:
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(name, "config.json")
    except Exception as error:  # offline, unknown name, gated: many classes, one cure
        raise UserError(
            f"{KEY}={name}: not in the local Hugging Face cache and not to be had from the hub "
            f"({type(error).__name__}). Check the name and the network (HF_ENDPOINT, HF_TOKEN), or download it "
            f"elsewhere and write {KEY}=/path/to/its/folder."
        ) from error


def weight_bytes(path: str) -> int | None:
    """Size of a model's weight files, bytes: of the local folder, or as the hub states it.

    None when a hub id's sizes can't be had (offline, with only a part in the cache).
    """
    if is_local(path):
        folder = Path(path).expanduser()
        return sum(file.stat().st_size for pattern in _WEIGHTS for file in folder.glob(pattern))
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        files = HfApi().model_info(path, files_metadata=True).siblings or []
    except (OSError, HfHubHTTPError, OfflineModeIsEnabled):
        return None
    return sum(file.size or 0 for file in files if file.rfilename.endswith(".safetensors")) or None


def longest_context(path: str) -> int | None:
    """max_position_embeddings of a local folder's config.json; None for a hub id or where it is not stated."""
    if not is_local(path):
        return None
    return json.loads((Path(path).expanduser() / "config.json").read_text()).get("max_position_embeddings")
