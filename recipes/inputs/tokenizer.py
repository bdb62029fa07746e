"""The tokenizer of a model, and what its chat template does to a prompt."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from recipes.common.errors import UserError
from recipes.inputs import model_folder
from reward.extraction import THINK_OPEN


def load_tokenizer(model: DictConfig) -> Any:
    """The tokenizer of a model section of verl's config.

    Raises:
        UserError: it does not load.
    """
    from transformers import AutoTokenizer

    path = model.get("tokenizer_path") or model.path
    if model_folder.is_local(path):
        path = str(Path(path).expanduser())
    try:
        return AutoTokenizer.from_pretrained(path, trust_remote_code=model.get("trust_remote_code", False))
    except Exception as error:  # whatever a half-written file makes transformers raise
        raise UserError(
            f"actor_rollout_ref.model.path={path}: its tokenizer does not load "
            f"({type(error).__name__}: {error}). Write a complete checkpoint "
            "folder, or actor_rollout_ref.model.tokenizer_path=<the folder that holds the tokenizer>."
        ) from error


def opens_thinking(tokenizer: Any, template: str | None, **more: Any) -> bool:
    """Whether a chat template (None: the tokenizer's own) ends the prompt with `<think>`."""
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "1+1=?"}],
        chat_template=template,
        tokenize=False,
        add_generation_prompt=True,
        **more,
    )
    return str(prompt).rstrip().endswith(THINK_OPEN)
