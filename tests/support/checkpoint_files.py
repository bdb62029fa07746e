"""Checkpoints as the trainer leaves them, with small files."""

from pathlib import Path
from typing import Any

from recipes.runs.checkpoints import Checkpoints


def stage(checkpoints: Checkpoints, step: int) -> Path:
    folder = checkpoints.staging / f"global_step_{step}"
    (folder / "actor" / "huggingface").mkdir(parents=True)
    (folder / "actor" / "model_world_size_1_rank_0.pt").write_bytes(b"w" * 100)
    (folder / "actor" / "huggingface" / "config.json").write_text("{}")
    (folder / "actor" / "huggingface" / "model.safetensors").write_bytes(b"w" * 50)
    (folder / "data.pt").write_bytes(b"d" * 10)
    return folder


def publish(checkpoints: Checkpoints, step: int, row: dict[str, Any] | None = None) -> Path:
    stage(checkpoints, step)
    checkpoints.publish(step, row)
    return checkpoints.folder(step)
