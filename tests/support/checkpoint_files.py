"""Checkpoints as the trainer leaves them, with small files."""

from pathlib import Path
from typing import Any

from transformers import Qwen2Config, Qwen2ForCausalLM

from recipes.runs.checkpoints import Checkpoints


def save_model(folder: Path) -> Path:
    """The smallest model that loads."""
    config = Qwen2Config(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def stage(checkpoints: Checkpoints, step: int) -> Path:
    folder = checkpoints.staging / f"global_step_{step}"
    (folder / "actor" / "huggingface").mkdir(parents=True)
    (folder / "actor" / "model_world_size_1_rank_0.pt").write_bytes(b"w" * 100)
    (folder / "actor" / "optim_world_size_1_rank_0.pt").write_bytes(b"o" * 100)
    (folder / "actor" / "extra_state_world_size_1_rank_0.pt").write_bytes(b"e" * 10)
    (folder / "actor" / "huggingface" / "config.json").write_text("{}")
    (folder / "actor" / "huggingface" / "model.safetensors").write_bytes(b"w" * 50)
    (folder / "data.pt").write_bytes(b"d" * 10)
    return folder


def publish(checkpoints: Checkpoints, step: int, row: dict[str, Any] | None = None, run: str | None = None) -> Path:
    stage(checkpoints, step)
    checkpoints.publish(step, row, run)
    return checkpoints.folder(step)
