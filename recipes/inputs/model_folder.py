"""Is there a model where the config says?"""

import zipfile
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.inputs.cache import cache_folder

KEY = "actor_rollout_ref.model.path"
_WEIGHTS = ("*.safetensors", "*.bin")
_CURE = f"Write {KEY}=<a complete checkpoint folder>; a download may have been cut off."


def is_local(path: str) -> bool:
    """Whether `path` is meant as a folder rather than as a hub id (`owner/name`)."""
    return Path(path).expanduser().exists() or path.startswith(("/", "./", "../", "~")) or path.count("/") != 1


def folder_of(path: str) -> Path:
    """The folder that a local `path` means."""
    return Path(path).expanduser()


def file_here(path: str, name: str) -> Path | None:
    """A file of a model that is on this machine: in its folder, or in the Hugging Face cache; None elsewhere."""
    if is_local(path):
        file = folder_of(path) / name
    else:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(path, name)
        if not isinstance(found, str):
            return None
        file = Path(found)
    return file if file.is_file() else None


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
        read_mapping(folder / "config.json")
    except (OSError, ValueError) as error:
        raise UserError(f"{KEY}={folder}: config.json is missing or unreadable ({error}). {_cure(folder)}") from error
    if not weight_bytes(str(folder)):
        raise UserError(f"{KEY}={folder}: no weights (*.safetensors or *.bin) in this folder. {_cure(folder)}")
    if cut := _cut_off(folder):
        raise UserError(f"{KEY}={folder}: {cut} is cut off or damaged. {_cure(folder)}")
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise UserError(f"{KEY}={folder}: no tokenizer (tokenizer.json) in this folder. {_cure(folder)}")


def _cure(folder: Path) -> str:
    if folder.absolute().is_relative_to(cache_folder().absolute()):
        return "Remove the folder: the same command makes it again."
    return _CURE


def _cut_off(folder: Path) -> str | None:
    """The first weight file that ends before its header says, or that an index names and that is missing."""
    from safetensors import SafetensorError, safe_open

    names = set()
    for index in folder.glob("*.safetensors.index.json"):
        try:
            names |= set(read_mapping(index)["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            return index.name
    for file in sorted({*folder.glob("*.safetensors"), *(folder / str(name) for name in names)}):
        try:
            with safe_open(file, framework="numpy"):
                pass
        except (OSError, SafetensorError):
            return file.name
    return next((file.name for file in sorted(folder.glob("*.bin")) if _is_cut_archive(file)), None)


def _is_cut_archive(file: Path) -> bool:
    """torch.save writes a zip archive, whose directory comes last."""
    with file.open("rb") as begin:
        is_archive = begin.read(2) == b"PK"
    return is_archive and not zipfile.is_zipfile(file)


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


def architecture(path: str) -> dict[str, Any]:
    """config.json of a folder or of a hub id; call after `check`, which has fetched it."""
    if is_local(path):
        file = folder_of(path) / "config.json"
    else:
        from huggingface_hub import hf_hub_download

        file = Path(hf_hub_download(path, "config.json"))
    return read_mapping(file)
